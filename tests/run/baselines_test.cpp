// The baselines on the fake host: what each finds there is known, because one planted expert
// decides refusals.
#include "run/baselines.h"

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/expect_error.h"
#include "base/temporary_folder.h"
#include "host/fake_host.h"
#include "mascing/run.h"
#include "run/holdout_evaluation.h"
#include "scenario/system_prompt.h"
#include "scenario/tiny_scenario.h"

namespace mascing {
namespace {

using nlohmann::json;

class BaselinesTest : public testing::Test {
 protected:
  [[nodiscard]] RunOutcome run(const Scenario& scenario,
                               const std::string& output,
                               bool with_baselines = true,
                               const Progress& progress = {}) {
    RunOptions options;
    options.output = folder_.path(output);
    options.command = "test";
    options.with_baselines = with_baselines;
    return run_scenario(
        scenario,
        FakeHost::make_info(),
        [] { return std::make_unique<FakeHost>(); },
        options,
        progress);
  }
  /// Without the closed loop: which mask was chosen does not matter here.
  [[nodiscard]] Scenario defend() const {
    Scenario scenario = write_defend(folder_.path());
    scenario.search.methods = {MaskMethod::kMeanDifference};
    return scenario;
  }
  [[nodiscard]] json comparable(const std::string& output) const {
    json results = json::parse(read_text_file(folder_.path(output) + "/results.json"));
    results.erase("cost");
    return results;
  }
  [[nodiscard]] static std::map<std::string, CandidateResult> baselines_of(const Results& results) {
    std::map<std::string, CandidateResult> found;
    for (const CandidateResult& candidate : results.candidates) {
      if (candidate.role == "baseline") {
        EXPECT_TRUE(found.emplace(candidate.method, candidate).second) << candidate.method;
      }
    }
    return found;
  }

  TemporaryFolder folder_;
};

TEST_F(BaselinesTest, EachIsTunedOnTheSelectionSplitAndMeasuredOnTheTestSplit) {
  Scenario scenario = defend();
  scenario.baselines.system_prompt = "seal";
  const RunOutcome outcome = run(scenario, "out");
  const auto baselines = baselines_of(outcome.results);
  ASSERT_EQ(baselines.size(), 5U);
  for (const auto& [method, baseline] : baselines) {
    ASSERT_EQ(baseline.metrics.count("dsr"), 1U) << method;
    EXPECT_EQ(baseline.metrics.at("dsr").n, 16) << method;
    EXPECT_EQ(baseline.metrics.at("dsr").split, "test") << method;
    EXPECT_EQ(baseline.metrics.at("dsr").base.rate, 0.5) << method;
    EXPECT_TRUE(baseline.damage.has_value()) << method;
    EXPECT_TRUE(baseline.p_versus_chosen.has_value()) << method;
    EXPECT_FALSE(baseline.setting.empty()) << method;
  }
  // The planted expert is all there is to find: its logit is what the residual stream holds.
  EXPECT_DOUBLE_EQ(baselines.at("control_vector").metrics.at("dsr").steered->rate, 1.0);
  EXPECT_DOUBLE_EQ(baselines.at("control_vector").metrics.at("benign").steered->rate, 1.0);
  EXPECT_GT(baselines.at("control_vector").damage->kl_benign, 0.0);
  // The fake model reads the final message only.
  const CandidateResult& prompted = baselines.at("system_prompt");
  EXPECT_EQ(prompted.metrics.at("dsr").steered->rate, prompted.metrics.at("dsr").base.rate);
  EXPECT_EQ(prompted.damage->n_kl_token, 0);
  EXPECT_LT(*prompted.p_versus_chosen, 0.05);
  EXPECT_GE(*prompted.p_versus_chosen_holm, *prompted.p_versus_chosen);
  // Four topics of four conversations, of which the chosen mask turns two each.
  ASSERT_TRUE(prompted.topics_versus_chosen.has_value());
  EXPECT_EQ(prompted.topics_versus_chosen->n_topic, 4);
  EXPECT_DOUBLE_EQ(prompted.topics_versus_chosen->change.rate, 0.5);
  EXPECT_DOUBLE_EQ(prompted.topics_versus_chosen->p_value, 0.125);
  EXPECT_GE(*prompted.topics_versus_chosen->p_holm, 0.125);
}

TEST_F(BaselinesTest, TheForcedExpertIsThePlantedOneAndTooMuchIsNotCalledFeasible) {
  const RunOutcome outcome = run(defend(), "out");
  // Forced, the expert is chosen at every token: benign requests are refused as well.
  const CandidateResult forced = baselines_of(outcome.results).at("forced_experts");
  EXPECT_FALSE(forced.feasible);
  EXPECT_THAT(forced.rejection_reason, testing::HasSubstr("benign"));
  EXPECT_DOUBLE_EQ(forced.metrics.at("dsr").steered->rate, 1.0);
  EXPECT_LT(forced.metrics.at("benign").steered->rate, 0.5);
}

TEST_F(BaselinesTest, OnlyThoseOfTheScenarioAreMeasured) {
  Scenario scenario = defend();
  scenario.baselines.methods = {"mean_difference", "system_prompt"};
  scenario.baselines.n_random_mask = 0;
  const RunOutcome outcome = run(scenario, "out");
  const auto baselines = baselines_of(outcome.results);
  ASSERT_EQ(baselines.size(), 1U) << "there is no system prompt";
  EXPECT_EQ(baselines.count("mean_difference"), 1U);
  EXPECT_FALSE(outcome.results.random_masks.has_value());
}

TEST_F(BaselinesTest, RandomMasksShowWhatChanceDoes) {
  Scenario scenario = defend();
  scenario.search.methods = {MaskMethod::kMeanDifference};  // of norm 4: random ones reach far, too
  const RunOutcome outcome = run(scenario, "out");
  ASSERT_TRUE(outcome.results.random_masks.has_value());
  const RandomMasks& random = *outcome.results.random_masks;
  EXPECT_EQ(random.n_mask, 20);
  EXPECT_EQ(random.rates.size(), 20U);
  EXPECT_EQ(random.n, 16);
  EXPECT_GT(random.norm, 0.0);
  EXPECT_LE(random.least, random.median);
  EXPECT_LE(random.median, random.most);
  EXPECT_GT(random.most, random.least) << "some random masks push the planted expert";
  const auto n_perfect = std::count_if(
      random.rates.begin(), random.rates.end(), [](double rate) { return rate > 0.999; });
  EXPECT_NEAR(random.p_value, (1.0 + static_cast<double>(n_perfect)) / 21.0, 1e-9);
}

TEST_F(BaselinesTest, TheyChangeNothingElseAndTheirTokensAreCountedApart) {
  const Scenario scenario = defend();
  const Results plain = run(scenario, "plain", false).results;
  const Results with = run(scenario, "with").results;
  EXPECT_EQ(with.n_generated_token, plain.n_generated_token);
  EXPECT_EQ(with.n_prefill_token, plain.n_prefill_token);
  EXPECT_GT(with.n_baseline_generated_token, 0);
  EXPECT_EQ(plain.n_baseline_generated_token, 0);
  EXPECT_EQ(with.mask_steer, plain.mask_steer);
  EXPECT_EQ(with.metrics.at("dsr").steered->rate, plain.metrics.at("dsr").steered->rate);
  EXPECT_TRUE(baselines_of(plain).empty());
  EXPECT_FALSE(plain.random_masks.has_value());
}

TEST_F(BaselinesTest, ARunWithoutThemIsTakenUpWhereTheyAreAskedForLater) {
  const Scenario scenario = defend();
  (void)run(scenario, "out", false);
  const RunOutcome later = run(scenario, "out");
  EXPECT_FALSE(later.was_finished);
  EXPECT_EQ(later.results.n_generated_token, 0) << "all but the baselines was in the cache";
  EXPECT_TRUE(run(scenario, "out").was_finished);
  (void)run(scenario, "fresh");
  EXPECT_EQ(comparable("out"), comparable("fresh"));
}

TEST_F(BaselinesTest, AnInterruptionAmongThemAndAResumeGiveTheSameBytes) {
  const Scenario scenario = defend();
  int n_event = 0;
  (void)run(scenario, "plain", false, [&](const ProgressEvent&) { return ++n_event > 0; });
  int n_all = 0;
  (void)run(scenario, "whole", true, [&](const ProgressEvent&) { return ++n_all > 0; });
  ASSERT_GT(n_all, n_event + 50);
  const int n_step = (n_all - n_event) / 5;
  for (int stop_at = n_event + 1; stop_at < n_all; stop_at += n_step) {
    std::filesystem::remove_all(folder_.path("stopped"));
    int i_event = 0;
    expect_error(ErrorKind::kInterrupted, "stopped on request", [&] {
      (void)run(
          scenario, "stopped", true, [&](const ProgressEvent&) { return ++i_event < stop_at; });
    });
    (void)run(scenario, "stopped");
    ASSERT_EQ(comparable("stopped"), comparable("whole")) << "event " << stop_at;
  }
}

TEST_F(BaselinesTest, WithoutAChosenMaskTheyAreMeasuredAndComparedWithNothing) {
  Scenario scenario = write_impossible_permit(folder_.path());
  scenario.search.methods = {MaskMethod::kMeanDifference};
  const RunOutcome outcome = run(scenario, "out");
  EXPECT_NE(outcome.failure, "");
  const auto baselines = baselines_of(outcome.results);
  EXPECT_EQ(baselines.size(), 4U);
  for (const auto& [method, baseline] : baselines) {
    EXPECT_TRUE(baseline.metrics.at("gsr").steered.has_value()) << method;
    EXPECT_FALSE(baseline.p_versus_chosen.has_value()) << method;
  }
  EXPECT_FALSE(outcome.results.random_masks.has_value());
}

TEST(WithSystemPrompt, GoesToTheHeadOfTheSystemMessage) {
  Conversation row;
  row.messages = {{"user", "a tale, please"}};
  EXPECT_EQ(with_system_prompt(row, "").messages, row.messages);
  const Conversation added = with_system_prompt(row, "Be brave.");
  ASSERT_EQ(added.messages.size(), 2U);
  EXPECT_EQ(added.messages[0], (Message{"system", "Be brave."}));
  const Conversation twice = with_system_prompt(added, "Be kind.");
  ASSERT_EQ(twice.messages.size(), 2U);
  EXPECT_EQ(twice.messages[0].content, "Be kind. Be brave.");
}

}  // namespace
}  // namespace mascing
