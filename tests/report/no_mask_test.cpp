// The page and the table of a run that found no mask: nothing stands for one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mascing/report.h"
#include "mascing/run_comparison.h"
#include "report/sample_results.h"
#include "report/trade_off.h"

namespace mascing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

Results without_mask() {
  Results results = sample_results();
  for (auto& [id, metric] : results.metrics) {
    metric.steered.reset();
    metric.steered_replies = {};
    for (auto& [name, category] : metric.categories) {
      category.steered.reset();
    }
  }
  for (CandidateResult& candidate : results.candidates) {
    candidate.is_chosen = false;
    candidate.p_versus_chosen.reset();
    candidate.p_versus_chosen_holm.reset();
  }
  results.verdict = {
      kDoNotUse, {{"effect", kDoNotUse, "no mask was found that improves the target"}}, {}};
  results.damage = {0.0, 131.2, 131.2, 0, 19876, 9.5, 9.5, 19000};
  results.mask_file.clear();
  results.mask_method.clear();
  results.mask_alpha = results.mask_lambda = 0.0;
  results.mask_n_active = 0;
  results.mask_steer.clear();
  results.routing = {};
  results.judges.disagreements.clear();
  results.random_masks.reset();
  results.exports.clear();
  return results;
}

// The page without its script, styles and data.
std::string words_of_page(const Results& results) {
  const std::string page = render_report(results);
  const size_t begin = page.find("<header>");
  return page.substr(begin, page.find("</footer>") - begin);
}

TEST(NoMask, ThePageSaysSoAndShowsNoColumnOfOne) {
  const std::string page = words_of_page(without_mask());
  EXPECT_THAT(page, HasSubstr("without a mask; no mask was found"));
  EXPECT_THAT(page, HasSubstr("Verdict: no mask found"));
  EXPECT_THAT(page, HasSubstr("<small>no mask found</small>"));
  EXPECT_THAT(page, HasSubstr("on the test split only the model without a mask and the baselines"));
  for (const char* part : {">with the mask",
                           ", with the mask",
                           "do not use",
                           "Side effects",
                           "class=\"tiles\"",
                           "Use this mask",
                           ">0.0 %",
                           "against the chosen mask",
                           "0 comparisons"}) {
    EXPECT_THAT(page, Not(HasSubstr(part)));
  }
}

TEST(NoMask, TheTableGivesThePerplexityOnce) {
  const std::string table = render_table(without_mask(), false);
  EXPECT_THAT(table, HasSubstr("VERDICT: no mask found\n"));
  EXPECT_THAT(table, HasSubstr("perplexity            131.20 without a mask on general text\n"));
  EXPECT_THAT(table, Not(HasSubstr("against the chosen mask")));
  EXPECT_THAT(table, Not(HasSubstr("(0.0 %)")));
}

TEST(NoMask, AComparisonOfRunsSaysSoToo) {
  const std::vector<ComparedRun> runs = {{"found", sample_results(), {}},
                                         {"none", without_mask(), {}}};
  const std::string table = render_comparison(runs, ComparisonForm::kMarkdown);
  EXPECT_THAT(table, HasSubstr("| use with care |"));
  EXPECT_THAT(table, HasSubstr("| no mask found |"));
}

TEST(NoMask, OneTrialIsNotBothTheWeakestAndTheStrongest) {
  Results results = without_mask();
  results.search.base["dsr"].rate = 0.94;
  results.candidates = {results.candidates[0]};
  EXPECT_EQ(
      trade_words(results),
      "No mask was chosen. The Pareto set has one trial: surrogate at alpha 0.75, +1.0 points at "
      "0.0125 nats.");
}

}  // namespace
}  // namespace mascing
