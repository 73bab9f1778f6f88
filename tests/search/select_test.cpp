// The choice among masks on the selection split, on hand-made masks whose effect on the fake host
// is known: attacks are refused from a push of 0.3 on, benign requests from 5.1 on.
#include "search/select.h"

#include <algorithm>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/temporary_folder.h"
#include "base/warning_ids.h"
#include "host/fake_host.h"
#include "judge/refusal_judge.h"
#include "judge/silent_judge.h"
#include "scenario/text_blocks.h"
#include "scenario/tiny_scenario.h"

namespace mascing {
namespace {

class SelectTest : public testing::Test {
 protected:
  SelectTest() : scenario_(write_defend(folder_.path())) {
    scenario_.search.alphas = {1.0};
    scenario_.search.n_finalist = 0;
  }

  /// `push` on the planted expert at alpha 1, and `noise` on one that does nothing but cost
  /// perplexity.
  [[nodiscard]] static Candidate candidate(float push, float noise = 0.0F) {
    Mask mask = zero_mask(FakeHost::make_info());
    mask.sigma_rule = SigmaRule::kCalibrated;
    mask.method = "surrogate";
    mask.row(FakeHost::kPlantedLayer)[FakeHost::kPlantedExpert] = push;
    mask.row(0)[0] = noise;
    return {std::make_shared<const Mask>(std::move(mask)), 0, 0.0};
  }
  [[nodiscard]] Selection select(const std::vector<Candidate>& candidates) {
    FakeHost host;
    const Progress progress;
    RefusalJudge refusals(scenario_.judge);
    SilentJudge judge(refusals, "benign", n_silent_);
    CachedEvaluator evaluator(host, Cache(folder_.path("cache"), "c"), {0.0F, 0, 20}, progress);
    evaluator.set_budget(budget_);
    const Dataset data = load_dataset(scenario_, 0);
    return select_mask({evaluator, data, scenario_, judge, {10.0}}, candidates);
  }

  TemporaryFolder folder_;
  Scenario scenario_;
  Budget budget_;
  int64_t n_silent_ = 0;  ///< benign replies that get no verdict
};

TEST_F(SelectTest, TakesTheMaskThatHelpsOverTheOneThatDoesNot) {
  const Selection selection = select({candidate(0.05F), candidate(1.0F)});
  ASSERT_TRUE(selection.is_found);
  EXPECT_TRUE(selection.is_feasible);
  EXPECT_EQ(selection.i_candidate[selection.i_best], 1U);
  EXPECT_DOUBLE_EQ(selection.trials[selection.i_best].rates.at("dsr").rate, 1.0);
  EXPECT_TRUE(selection.warnings.empty());
}

TEST_F(SelectTest, SaysThatALimitWasJudgedFromFew) {
  scenario_.search.alphas = {1.0};
  n_silent_ = 1;  // of 8
  const Selection most = select({candidate(1.0F)});
  EXPECT_TRUE(most.warnings.empty());
  EXPECT_EQ(most.trials.at(0).left_out.at("benign"), 1);
  EXPECT_FALSE(most.trials.at(0).left_out.contains("direct"));
  n_silent_ = 3;
  const Selection few = select({candidate(1.0F)});
  ASSERT_TRUE(few.is_feasible);
  EXPECT_EQ(few.trials.at(0).left_out.at("benign"), 3);
  EXPECT_THAT(warning_ids(few.warnings), testing::ElementsAre("limit_from_few"));
  EXPECT_THAT(few.warnings.at(0).text, testing::HasSubstr("5 of 8 of 'benign'"));
}

TEST_F(SelectTest, TakesNoneIfNoneHelps) {
  const Selection selection = select({candidate(0.05F), candidate(-1.0F)});
  EXPECT_FALSE(selection.is_found);
  EXPECT_FALSE(selection.is_feasible);
  EXPECT_FALSE(select({}).is_found);
}

TEST_F(SelectTest, AMaskThatBreaksALimitLosesAndIsToldWhy) {
  const Selection selection = select({candidate(8.0F), candidate(1.0F, 20.0F)});
  ASSERT_TRUE(selection.is_feasible);
  EXPECT_EQ(selection.i_candidate[selection.i_best], 1U);
  EXPECT_THAT(selection.trials[0].rejection_reason, testing::HasSubstr("benign 0.0 % < 98.0 %"));
  EXPECT_EQ(selection.trials[1].rejection_reason, "");
}

TEST_F(SelectTest, AMaskWhoseTextHasNoPerplexityLoses) {
  const float none = std::numeric_limits<float>::quiet_NaN();
  const Selection selection = select({candidate(1.0F, none), candidate(1.0F)});
  ASSERT_TRUE(selection.is_feasible);
  EXPECT_EQ(selection.i_candidate[selection.i_best], 1U);
  EXPECT_THAT(selection.trials[0].rejection_reason, testing::HasSubstr("perplexity nan >"));
}

TEST_F(SelectTest, AmongEqualRatesTheLeastDamageWins) {
  const Selection selection =
      select({candidate(1.0F, 9.0F), candidate(1.0F, 2.0F), candidate(1.0F, 5.0F)});
  ASSERT_TRUE(selection.is_feasible);
  EXPECT_EQ(selection.i_candidate[selection.i_best], 1U);
}

TEST_F(SelectTest, IfOnlyTheHoldSetsAreKeptTheMaskIsTakenWithAWarning) {
  const Selection selection = select({candidate(64.0F)});  // also at a quarter of the strength
  EXPECT_TRUE(selection.is_found);
  EXPECT_FALSE(selection.is_feasible);
  ASSERT_EQ(selection.warnings.size(), 1U);
  EXPECT_EQ(selection.warnings[0].id, "limits_not_kept");
}

TEST_F(SelectTest, AMaskThatBreaksAHoldSetIsNeverTaken) {
  scenario_ = write_impossible_permit(folder_.path());
  scenario_.search.alphas = {1.0};
  scenario_.search.n_finalist = 0;
  const Selection selection = select({candidate(-2.0F)});
  EXPECT_FALSE(selection.is_found);
  EXPECT_THAT(selection.trials[0].rejection_reason, testing::HasSubstr("hold 0.0 %"));
  EXPECT_GT(selection.trials[0].rates.at("gsr").rate, 0.5);
}

TEST_F(SelectTest, AMaskThatBreaksALimitAtAllStrengthsIsTriedAtWeakerOnes) {
  scenario_.search.alphas = {1.0, 1.5};
  const Selection selection = select({candidate(8.0F)});
  ASSERT_TRUE(selection.is_feasible);
  const CandidateResult& chosen = selection.trials[selection.i_best];
  EXPECT_NEAR(chosen.alpha, 0.8 * 0.8 * 0.8, 1e-9);  // a push of 4.1; 5.1 is too much
  EXPECT_DOUBLE_EQ(chosen.rates.at("dsr").rate, 1.0);
  EXPECT_EQ(selection.i_best, selection.trials.size() - 1);
}

TEST_F(SelectTest, ASpentBudgetLeavesOutWeakerStrengthsAndSaysSo) {
  budget_.n_token = 1;
  for (const int64_t n_finalist : {0, 2}) {
    scenario_.search.n_finalist = n_finalist;
    const Selection selection = select({candidate(8.0F)});
    EXPECT_FALSE(selection.is_feasible);
    ASSERT_EQ(selection.trials.size(), 2U) << n_finalist;
    EXPECT_EQ(selection.trials[1].rejection_reason, "the budget was spent");
    EXPECT_THAT(selection.cut_short, testing::Contains("not all weaker strengths were tried"));
  }
}

TEST_F(SelectTest, WeakerStrengthsEndWhereTheMaskDoesNotHelpAnyMore) {
  scenario_ = write_impossible_permit(folder_.path());
  scenario_.search.alphas = {1.0};
  scenario_.search.n_finalist = 0;
  const Selection selection = select({candidate(-2.0F)});
  EXPECT_FALSE(selection.is_found);
  for (size_t i = 1; i < selection.trials.size(); ++i) {
    EXPECT_LT(selection.trials[i].alpha, selection.trials[i - 1].alpha);
  }
}

TEST_F(SelectTest, ATrialTrailsAfterAsManyConversationsAsThereAre) {
  scenario_.search.alphas = {1.0};
  const Selection selection = select({candidate(1.0F), candidate(0.05F)});
  EXPECT_EQ(selection.trials.at(1).rejection_reason,
            "not in the better half after 16 conversations");
}

TEST_F(SelectTest, StrengthsBeyondThePerplexityLimitAreNotTried) {
  scenario_.search.alphas = {1.0, 2.0, 3.0};
  scenario_.search.max_perplexity_rise = 0.15;
  const Selection selection = select({candidate(0.01F, 100.0F)});
  ASSERT_EQ(selection.trials.size(), 2U);
  EXPECT_THAT(selection.trials[1].rejection_reason, testing::HasSubstr("perplexity"));
  EXPECT_TRUE(selection.trials[1].rates.empty());
}

TEST_F(SelectTest, StrengthsBeyondAPerfectRateAreNotTried) {
  scenario_.search.alphas = {0.1, 1.0, 2.0, 3.0};
  const Selection selection = select({candidate(1.0F)});
  ASSERT_EQ(selection.trials.size(), 2U);
  EXPECT_DOUBLE_EQ(selection.trials[selection.i_best].alpha, 1.0);
}

class PrefillEstimateTest : public SelectTest {
 protected:
  PrefillEstimateTest() { scenario_.search.n_finalist = 2; }
};

TEST_F(PrefillEstimateTest, OnlyFinalistsAreGenerated) {
  const Selection selection =
      select({candidate(1.0F, 3.0F), candidate(1.0F, 1.0F), candidate(1.0F, 2.0F)});
  int64_t n_generated = 0;
  for (const CandidateResult& trial : selection.trials) {
    EXPECT_DOUBLE_EQ(trial.estimates.at("dsr"), 1.0);
    n_generated += trial.rates.empty() ? 0 : 1;
  }
  EXPECT_EQ(n_generated, 2);
  ASSERT_TRUE(selection.is_feasible);
  EXPECT_EQ(selection.i_candidate[selection.i_best], 1U);
}

TEST_F(PrefillEstimateTest, WeakerStrengthsAreEstimatedAndThenGenerated) {
  const Selection selection = select({candidate(8.0F)});
  ASSERT_TRUE(selection.is_feasible);
  EXPECT_THAT(selection.trials[0].rejection_reason, testing::HasSubstr("benign drops by"));
  EXPECT_TRUE(selection.trials[0].rates.empty());
  const CandidateResult& chosen = selection.trials[selection.i_best];
  EXPECT_NEAR(chosen.alpha, 0.8 * 0.8 * 0.8, 1e-9);
  EXPECT_DOUBLE_EQ(chosen.rates.at("dsr").rate, 1.0);
}

TEST_F(PrefillEstimateTest, AMaskThatDoesNotHelpOrBreaksALimitNeverBecomesOne) {
  scenario_ = write_impossible_permit(folder_.path());
  scenario_.search.alphas = {1.0};
  const Selection selection = select({candidate(0.0F), candidate(-2.0F)});
  EXPECT_FALSE(selection.is_found);
  EXPECT_THAT(selection.trials[0].rejection_reason, testing::HasSubstr("no better"));
  EXPECT_THAT(selection.trials[1].rejection_reason,
              testing::EndsWith("estimate: hold drops by 100.0 %"));
  EXPECT_TRUE(selection.trials[1].rates.empty());
}

// One benign request of eight is refused under the mask, and it is one of two of the quarter: a
// drop of 50 points there, of one conversation in all.
TEST_F(PrefillEstimateTest, AllConversationsHaveTheLastWord) {
  auto rows = tiny_rows("benign", {"a tale of @", "please sing of @ today"});
  const auto first = std::find_if(
      rows.begin(), rows.end(), [](const Conversation& row) { return row.split == "selection"; });
  first->messages.back().content = "a tale of grave grave " + first->topic;
  write_rows(folder_.path("benign.jsonl"), rows);
  const Selection selection = select({candidate(4.0F)});
  ASSERT_TRUE(selection.is_feasible);
  ASSERT_EQ(selection.trials.size(), 1U) << "no weaker strength is needed";
  EXPECT_NEAR(selection.trials[0].estimates.at("benign"), 7.0 / 8.0, 1e-9);
  EXPECT_EQ(selection.trials[0].rejection_reason, "");
}

TEST_F(PrefillEstimateTest, AlmostEqualMasksAreHalvedUntilOneKeepsAllLimits) {
  scenario_.search.n_finalist = 4;
  const Selection selection = select(
      {candidate(1.0F, 4.0F), candidate(1.0F, 1.0F), candidate(1.0F, 3.0F), candidate(1.0F, 2.0F)});
  ASSERT_TRUE(selection.is_feasible);
  EXPECT_EQ(selection.i_candidate[selection.i_best], 1U);
  int64_t n_limits = 0;
  for (const CandidateResult& trial : selection.trials) {
    EXPECT_TRUE(trial.rates.contains("dsr"));  // a finalist
    n_limits += trial.rates.contains("benign") ? 1 : 0;
    EXPECT_FALSE(trial.breaks_limit);
  }
  EXPECT_EQ(n_limits, 1);  // the gentlest was asked about the other sets, and kept them
}

TEST_F(PrefillEstimateTest, TheReserveIsTakenUpIfTheBestBreakLimits) {
  scenario_.search.n_finalist = 3;
  // A limit that the estimates do not rule out, but the replies do.
  for (ScenarioSet& set : scenario_.sets) {
    set.max_drop = set.metric == "benign" ? 0.0 : set.max_drop;
  }
  const Selection selection = select({candidate(1.0F, 3.0F), candidate(0.5F, 1.0F)});
  ASSERT_TRUE(selection.is_feasible);
  EXPECT_EQ(selection.i_candidate[selection.i_best], 1U);
}

TEST_F(PrefillEstimateTest, ManyTrialsAreHalvedBeforeTheyAreEstimatedWhole) {
  scenario_.search.n_finalist = 1;
  std::vector<Candidate> candidates;
  for (int i = 0; i < 12; ++i) {
    candidates.push_back(candidate(0.9F, static_cast<float>(i)));
  }
  scenario_.search.alphas = {0.4};  // a push of 0.36: most, but not all of the attacks
  const Selection selection = select(candidates);
  int64_t n_quarter = 0;
  for (const CandidateResult& trial : selection.trials) {
    n_quarter += trial.rejection_reason == "quarter estimate: below the better half" ? 1 : 0;
  }
  if (selection.trials.front().estimates.at("dsr") < 1.0) {
    EXPECT_EQ(n_quarter, 6);
  }
  EXPECT_EQ(selection.trials.size(), 12U);
}

TEST_F(PrefillEstimateTest, ASpentBudgetLeavesTheFirstMaskAndOneFinalist) {
  budget_.n_token = 1;
  scenario_.search.alphas = {0.2, 0.31, 1.0};
  const Selection selection = select({candidate(1.0F, 1.0F), candidate(2.0F)});
  EXPECT_EQ(selection.i_candidate.back(), 0U);
  ASSERT_FALSE(selection.cut_short.empty());
  EXPECT_EQ(selection.cut_short.front(), "1 of 2 masks were tried");
  int64_t n_generated = 0;
  for (const CandidateResult& trial : selection.trials) {
    n_generated += trial.rates.empty() ? 0 : 1;
  }
  EXPECT_EQ(n_generated, 1);
}

TEST_F(PrefillEstimateTest, SaysHowWellOnePrefillPredictsReplies) {
  const Selection selection = select({candidate(1.0F)});
  EXPECT_DOUBLE_EQ(selection.outcome.auc, 1.0);
  EXPECT_GT(selection.outcome.rank_correlation, 0.5);
  EXPECT_EQ(selection.outcome.n, 32);  // 16 base replies, 16 steered ones
}

TEST_F(SelectTest, TheThreePartsOfTheTextShareNoBlock) {
  const FakeHost host;
  const Dataset data = load_dataset(scenario_, 0);
  const auto first = text_blocks(host, data, scenario_, Split::kSelection);
  const auto second = text_blocks(host, data, scenario_, Split::kTest);
  const auto least = text_blocks(host, data, scenario_, Split::kDiscovery);
  EXPECT_EQ(least.size(), 2U);
  EXPECT_EQ(first.size(), 3U);
  EXPECT_EQ(second.size(), 5U);
  scenario_.general.n_max_block = 2;
  EXPECT_EQ(text_blocks(host, data, scenario_, Split::kTest).size(), 2U);
}

}  // namespace
}  // namespace mascing
