// Gradients of a real model through the cache of a run.
#include <cmath>
#include <set>

#include <gtest/gtest.h>

#include "base/temporary_folder.h"
#include "gradient_check.h"
#include "measure/cached_evaluator.h"
#include "zoo.h"

namespace mascing {
namespace {

/// 40 prompts, more than one chunk, of which the first is empty.
std::vector<OutcomeSet> margins_of(const GradientRequest& request) {
  OutcomeSet set;
  set.name = "seals";
  set.openings = request.openings;
  set.n_wanted = 1;
  set.prompts.assign(40, request.tokens);
  set.prompts.front().clear();
  for (size_t i = 1; i < set.prompts.size(); ++i) {
    set.prompts[i].front() = static_cast<int32_t>(i);
  }
  return {set};
}

TEST(CachedGradients, AreTheSameBytesWhenTheyComeFromDisk) {
  const std::string path = std::string(MASCING_ZOO) + "/cached.gguf";
  write_zoo_model(zoo_model("qwen3moe"), 1, path);
  const auto host = open_differentiable(path);
  const GradientRequest request = random_request(host->describe(), SigmaRule::kToken);
  const std::vector<OutcomeSet> sets = margins_of(request);
  std::vector<Question> questions;
  for (int64_t i = 0; i < 40; ++i) {
    questions.push_back({0, i, request.steering});
  }
  const TemporaryFolder folder;
  std::set<int64_t> reported;  // of a long call more than once
  const Progress progress = [&](const ProgressEvent& event) {
    reported.insert(event.done);
    return true;
  };
  const auto ask = [&](int64_t* n_token, int64_t* n_worked) {
    CachedEvaluator evaluator(*host, Cache(folder.path("cache"), "model"), {}, progress);
    const int64_t before = host->counters().n_prefill_token;
    auto answers = evaluator.gradients("gradients", sets, "key", questions);
    *n_worked = host->counters().n_prefill_token - before;
    *n_token = evaluator.asked().n_prefill;
    EXPECT_EQ(evaluator.gradients_left_out().words().substr(0, 18), "1 of 40 of 'seals'");
    return answers;
  };
  int64_t n_token = 0;
  int64_t n_worked = 0;
  const auto first = ask(&n_token, &n_worked);
  EXPECT_GT(n_worked, 0);
  EXPECT_EQ(reported, (std::set<int64_t>{0, kGradientChunk}));
  int64_t n_token_again = 0;
  const auto second = ask(&n_token_again, &n_worked);
  EXPECT_EQ(n_worked, 0) << "all from the cache";
  EXPECT_EQ(n_token_again, n_token);
  ASSERT_EQ(second.size(), 40U);
  EXPECT_TRUE(std::isnan(first[0].value) && std::isnan(second[0].value));
  EXPECT_NE(second[0].error, "");
  for (size_t i = 1; i < second.size(); ++i) {
    EXPECT_EQ(second[i].value, first[i].value);
    EXPECT_EQ(second[i].d_steer, first[i].d_steer);
    EXPECT_FALSE(second[i].d_steer.empty());
  }
  int64_t n_opening = 0;
  for (const auto& opening : *request.openings) {
    n_opening += std::ssize(opening);
  }
  // Every token of the prompt is differentiated, and then counts three times.
  EXPECT_EQ(n_token, 39 * 3 * (std::ssize(request.tokens) + n_opening) + 3 * n_opening);
}

TEST(CachedGradients, OfAMaskOfZerosAreInItsOwnUnits) {
  const std::string path = std::string(MASCING_ZOO) + "/cached-units.gguf";
  write_zoo_model(zoo_model("qwen3moe"), 1, path);
  const auto host = open_differentiable(path);
  const GradientRequest request = random_request(host->describe(), SigmaRule::kCalibrated);
  const TemporaryFolder folder;
  CachedEvaluator evaluator(*host, Cache(folder.path("cache"), "model"), {}, {});
  const auto ask = [&](SigmaRule rule, float sigma, float alpha) {
    auto zero = std::make_shared<Mask>(*request.steering.mask);
    zero->steer.assign(zero->steer.size(), 0.0F);
    zero->sigma.assign(zero->sigma.size(), sigma);
    zero->sigma_rule = rule;
    return evaluator
        .gradients("", margins_of(request), "key", {{0, 1, {zero, alpha, SteerRule::kAdd}}})
        .front();
  };
  const OutcomeGradient once = ask(SigmaRule::kCalibrated, 1.0F, 1.0F);
  const OutcomeGradient twice = ask(SigmaRule::kCalibrated, 2.0F, 1.0F);
  const OutcomeGradient half = ask(SigmaRule::kCalibrated, 1.0F, 0.5F);
  EXPECT_EQ(once.value, twice.value) << "a mask of zeros changes nothing";
  EXPECT_NE(ask(SigmaRule::kToken, 1.0F, 1.0F).d_steer, once.d_steer);
  EXPECT_NE(twice.d_steer, once.d_steer);
  for (size_t i = 0; i < once.d_steer.size(); ++i) {
    EXPECT_NEAR(half.d_steer[i], 0.5F * once.d_steer[i], 1e-6F);
  }
}

}  // namespace
}  // namespace mascing
