// What the unsteered model writes behind openings that are not its own.
#include "search/unchanged_texts.h"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/temporary_folder.h"
#include "host/fake_host.h"
#include "judge/refusal_judge.h"
#include "scenario/tiny_scenario.h"
#include "search/loop_masks.h"
#include "search/objectives.h"

namespace mascing {
namespace {

using testing::SizeIs;

constexpr int64_t kBeginning = 4;
constexpr int32_t kFiller = 10'000;

/// Every reply goes on for forty tokens behind its words. Counts what it is asked.
class WordyHost : public FakeHost {
 public:
  int64_t n_generated = 0;

  std::vector<Result<Reply>> generate(const std::vector<GenerateRequest>& requests,
                                      const Sampling& sampling) override {
    n_generated += std::ssize(requests);
    auto outcomes = FakeHost::generate(requests, sampling);
    for (auto& outcome : outcomes) {
      for (int32_t k = 0; outcome.ok() && k < 40; ++k) {
        outcome.value.tokens.push_back(kFiller + k);
      }
      const auto n_most = static_cast<size_t>(sampling.n_max_token);
      outcome.value.tokens.resize(std::min(outcome.value.tokens.size(), n_most));
    }
    return outcomes;
  }
};

class ContinuedTextsTest : public testing::Test {
 protected:
  ContinuedTextsTest() : scenario_(write_defend(folder_.path())), judge_(scenario_.judge) {}

  std::vector<ScoredText> texts_of(WordyHost& host) {
    const Progress progress;
    CachedEvaluator evaluator(host, Cache(folder_.path("cache"), "c"), {0.0F, 0, 30}, progress);
    const Dataset data = load_dataset(scenario_, 0);
    const EvalContext context = {evaluator, data, scenario_, judge_, {10.0}};
    const std::vector<DiscoveryReplies> discovery = ask_discovery(context);
    n_expected_ = 0;
    for (const DiscoveryReplies& of_set : discovery) {
      const SetRole role = of_set.set->spec.role;
      for (const JudgedReply& judged : of_set.judged) {
        const bool is_refused = judged.verdict == Verdict::kRefused;
        const auto& tokens = of_set.replies[&judged - of_set.judged.data()].tokens;
        if (is_refused) {
          refusal_ = {tokens.begin(), tokens.begin() + kBeginning};
        }
        n_expected_ += role == SetRole::kHold || (role == SetRole::kTarget && !is_refused) ? 1 : 0;
      }
    }
    n_before_ = host.n_generated;
    std::vector<ScoredText> texts = continued_texts(context, discovery);
    n_asked_token_ = evaluator.asked().n_generated;
    return texts;
  }

  TemporaryFolder folder_;
  Scenario scenario_;
  RefusalJudge judge_;
  std::vector<int32_t> refusal_;  ///< how a refusal of the fake host begins: all do alike
  int64_t n_expected_ = 0;        ///< holds, and targets that were not refused
  int64_t n_before_ = 0;          ///< replies that the host had written for the discovery split
  int64_t n_asked_token_ = 0;     ///< generated, cached or not
};

TEST_F(ContinuedTextsTest, StandBehindAWantedBeginningAndAreTheModelsOwn) {
  WordyHost host;
  const std::vector<ScoredText> texts = texts_of(host);
  EXPECT_GT(n_expected_, 8);
  EXPECT_THAT(texts, SizeIs(n_expected_));
  for (const ScoredText& text : texts) {
    ASSERT_GE(text.begin, kBeginning);
    const auto begin = text.tokens.begin() + text.begin;
    EXPECT_EQ(std::vector<int32_t>(begin - kBeginning, begin), refusal_);
    const GenerateRequest again = {{text.tokens.begin(), begin}};
    Sampling sampling;
    sampling.n_max_token = 32;
    const auto own = host.generate({again}, sampling).at(0).value.tokens;
    EXPECT_EQ(std::vector<int32_t>(begin, text.tokens.end()), own);
    EXPECT_GT(text.first, 0);
    EXPECT_LT(text.first, text.begin);
  }
}

TEST_F(ContinuedTextsTest, StandInForGeneralTextInTheSecondLoop) {
  WordyHost host;
  const Progress progress;
  CachedEvaluator evaluator(host, Cache(folder_.path("cache"), "c"), {0.0F, 0, 30}, progress);
  const Dataset data = load_dataset(scenario_, 0);
  const EvalContext context = {evaluator, data, scenario_, judge_, {10.0}};
  const Objectives first = build_objectives(context, Split::kDiscovery);
  const Objectives second = guarded_objectives(context, first);
  ASSERT_EQ(second.sets.size(), first.sets.size() + 1);
  ASSERT_EQ(second.roles.size(), second.sets.size());
  EXPECT_EQ(second.rows.size(), second.sets.size());
  EXPECT_NE(second.key, first.key);
  EXPECT_EQ(second.sets.back().name, kContinuedOpenings);
  EXPECT_EQ(second.roles.back().role, LoopRole::kDamage);
  for (const ScoredText& text : second.sets.back().texts) {
    EXPECT_NE(text.reference, nullptr);
  }
  for (size_t i = 0; i < first.sets.size(); ++i) {
    if (first.sets[i].name == kGeneralText) {
      EXPECT_GT(second.roles[i].limit, 2.0 * first.roles[i].limit);
    } else {
      EXPECT_EQ(second.roles[i].limit, first.roles[i].limit) << first.sets[i].name;
    }
  }
}

LoopResult loop_with_text(double last, double limit) {
  LoopResult loop;
  loop.limits = {{kGeneralText, limit}};
  for (const double value : {0.9, last - 0.01, last + 0.01}) {
    loop.steps.push_back({1.0, {{kGeneralText, value}}});
  }
  loop.i_best = 2;
  loop.n_stretch = 2;
  return loop;
}

TEST(PressesOnText, MeansTheStepsOfTheMaskAndNotOthers) {
  EXPECT_TRUE(presses_on_text(loop_with_text(0.0561, 0.07)));
  EXPECT_FALSE(presses_on_text(loop_with_text(0.0559, 0.07)));
  EXPECT_FALSE(presses_on_text(LoopResult{}));
}

TEST_F(ContinuedTextsTest, AreAskedOnceAndCountedEveryTime) {
  WordyHost host;
  const std::vector<ScoredText> texts = texts_of(host);
  const int64_t n_token = n_asked_token_;
  EXPECT_EQ(host.n_generated - n_before_, n_expected_);
  WordyHost resumed;
  const std::vector<ScoredText> again = texts_of(resumed);
  EXPECT_EQ(resumed.n_generated, 0);
  EXPECT_EQ(n_asked_token_, n_token);
  ASSERT_EQ(again.size(), texts.size());
  for (size_t i = 0; i < texts.size(); ++i) {
    EXPECT_EQ(again[i].tokens, texts[i].tokens);
  }
}

}  // namespace
}  // namespace mascing
