#include "report/trade_off.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "report/trade_plot.h"

namespace mascing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

/// A trial that was only screened.
CandidateResult screened(double alpha, double estimate, double damage) {
  CandidateResult trial;
  trial.method = "closed_loop";
  trial.alpha = alpha;
  trial.n_active = 7;
  trial.kl_first = trial.kl_benign = damage;
  trial.perplexity = 100.0;
  trial.estimates["dsr"] = estimate;
  trial.rejection_reason = "less promising";
  return trial;
}

Results trades() {
  Results results;
  results.target_metric = "dsr";
  results.search.base["dsr"].rate = 0.5;
  results.candidates = {screened(0.25, 0.60, 0.01),
                        screened(0.50, 0.80, 0.04),
                        screened(0.75, 0.78, 0.05),  // beaten in both
                        screened(1.00, 0.99, 0.20),  // breaks a limit
                        screened(1.25, 0.95, 0.30),
                        screened(1.50, 0.45, 0.001),  // worse than no mask
                        screened(2.00, 0.95, 0.40)};  // as good as another, but harsher
  results.candidates[3].breaks_limit = true;
  results.candidates[4].rates["dsr"] = {0.9, 0.85, 0.94};
  results.candidates[4].feasible = true;
  return results;
}

TEST(TradeOff, TheSetHasWhatNothingBeatsInBoth) {
  const auto set = pareto_set(trades());
  ASSERT_EQ(set.size(), 4U);
  EXPECT_EQ(set[0].i_candidate, 0U);
  EXPECT_EQ(set[1].i_candidate, 1U);
  EXPECT_EQ(set[2].i_candidate, 4U);
  EXPECT_DOUBLE_EQ(set[2].rate, 0.9);  // generated, not estimated
  EXPECT_FALSE(set[2].is_estimate);
  EXPECT_EQ(set[3].i_candidate, 6U);  // an estimate may stand above a generated rate
  EXPECT_TRUE(set[3].is_estimate);
}

TEST(TradeOff, NothingInTheSetBreaksALimitOrIsWorseThanNoMask) {
  for (const TradePoint& point : pareto_set(trades())) {
    EXPECT_TRUE(point.is_allowed);
    EXPECT_GT(point.rate, 0.5);
  }
  Results worse = trades();
  worse.search.base["dsr"].rate = 1.0;
  EXPECT_TRUE(pareto_set(worse).empty());
  EXPECT_THAT(pareto_table(worse), HasSubstr("No mask improves DSR (defence success rate) within"));
  EXPECT_EQ(trade_words(worse), "");
}

TEST(TradeOff, BaselinesAndTrialsNobodyMeasuredAreNoPoints) {
  Results results = trades();
  results.candidates[0].role = "baseline";
  results.candidates[1].estimates.clear();
  results.candidates[2].kl_first = results.candidates[2].kl_benign = 0.0;
  EXPECT_EQ(trade_points(results).size(), 4U);
}

TEST(TradeOff, TheTableNumbersTheSetAndMarksEstimates) {
  const std::string table = pareto_table(trades());
  EXPECT_THAT(table, HasSubstr("#  method"));
  EXPECT_THAT(table, HasSubstr("1  closed loop   0.25   ~60.0"));
  EXPECT_THAT(table, HasSubstr("DSR, %"));
  EXPECT_THAT(table, HasSubstr("within all limits"));
  EXPECT_THAT(table, Not(HasSubstr("99.0")));
}

TEST(TradeOff, ALineOnATrialHasItsRateInPercent) {
  Results results = trades();
  EXPECT_EQ(trial_line(results.candidates[4], "dsr"),
            "trial: closed loop alpha 1.25, DSR 90.0 %, KL 0.3000, perplexity 100.0, within all "
            "limits");
  EXPECT_THAT(trial_line(results.candidates[0], "dsr"), HasSubstr(", DSR ~60.0 %, KL"));
  EXPECT_THAT(trial_line(results.candidates[0], "gsr"), HasSubstr(", GSR -, KL"));
}

TEST(TradeOff, SaysWhatTheChoiceCosts) {
  Results results = trades();
  results.mask_method = "closed_loop";
  results.mask_alpha = 1.25F;
  results.mask_n_active = 7;
  results.search.chosen_by = "user";
  EXPECT_THAT(
      trade_words(results),
      HasSubstr("Chosen by the user: closed loop at alpha 1.25, +40.0 points at 0.3 nats per "
                "token, over the first tokens of benign replies."));
  EXPECT_THAT(trade_words(results),
              HasSubstr("Weakest of the Pareto set: closed loop at alpha 0.25"));
}

TEST(TradeOff, TheChoiceIsTheOneThatTheResultsSay) {
  Results results = trades();
  results.mask_method = "closed_loop";
  results.mask_alpha = 1.25F;
  results.mask_n_active = 7;
  results.candidates.insert(results.candidates.begin(), screened(1.25, 0.6, 0.5));
  results.candidates[0].seed = 1;
  EXPECT_EQ(chosen_candidate(results), 5) << "of an earlier version: the one within all limits";
  results.candidates.push_back(results.candidates[5]);
  results.candidates.back().seed = 2;
  results.candidates.back().is_chosen = true;
  EXPECT_EQ(chosen_candidate(results), std::ssize(results.candidates) - 1);
  EXPECT_EQ(chosen_candidate(results_from_json(to_json(results), "results.json")),
            std::ssize(results.candidates) - 1);
}

TEST(TradeOff, SaysWhetherFirstTokensOrWholeRepliesWereCompared) {
  Results results = trades();
  results.mask_method = "closed_loop";
  results.mask_alpha = 1.25F;
  results.mask_n_active = 7;
  results.candidates[4].kl_first = 0.0;
  EXPECT_THAT(trade_words(results), HasSubstr("nats per token, over whole benign replies."));
  EXPECT_THAT(pareto_table(results), HasSubstr("KL first"));
  EXPECT_THAT(pareto_table(results), HasSubstr("0.3000 (reply)"));
}

TEST(TradeOff, ComparesTheCostWithThePapersSweep) {
  Results results = trades();
  EXPECT_EQ(search_cost_words(results), "");
  results.search.n_generated_token = 9000;
  results.search.n_paper_token = 120000;
  EXPECT_THAT(search_cost_words(results),
              HasSubstr("9 000 tokens generated for selection, 0.075 times"));
}

TEST(TradePlot, ShowsEveryPointAndRingsTheChoice) {
  Results results = trades();
  const std::string plain = trade_plot(results);
  EXPECT_THAT(plain, HasSubstr("would break a limit, less promising")) << "by its estimate";
  results.candidates[3].rates["dsr"] = {0.99, 0.9, 1.0};
  EXPECT_THAT(trade_plot(results), HasSubstr("breaks a limit: less promising"));
  EXPECT_THAT(plain, HasSubstr("within all limits"));
  EXPECT_THAT(plain, HasSubstr("class=\"hollow\""));
  EXPECT_THAT(plain, Not(HasSubstr("class=\"ring\"")));
  results.mask_method = "closed_loop";
  results.mask_alpha = 0.5;
  results.mask_n_active = 7;
  EXPECT_THAT(trade_plot(results), HasSubstr("class=\"ring\""));
  results.candidates.resize(1);
  EXPECT_EQ(trade_plot(results), "");
}

}  // namespace
}  // namespace mascing
