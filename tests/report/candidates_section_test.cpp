// The report's section on the choice among masks.
#include "report/candidates_section.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "report/sample_results.h"

namespace mascing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(Candidates, ShowAnEstimateWhereNoReplyWasGenerated) {
  const std::string html = candidates_section(sample_results());
  EXPECT_THAT(html, HasSubstr("<td class=\"number\">95.0 % <small>[91.0, 97.0]</small>"));
  EXPECT_THAT(html, HasSubstr("<td class=\"number\">~87.4 %</td>"));
  EXPECT_THAT(html, Not(HasSubstr("~93.8")));  // this one's replies were generated
  EXPECT_THAT(html, HasSubstr("Rates marked ~ are estimated"));
  Results results = sample_results();
  for (CandidateResult& candidate : results.candidates) {
    candidate.estimates.clear();
  }
  EXPECT_THAT(candidates_section(results), Not(HasSubstr("~")));
}

TEST(Candidates, ShowSettingsOfTheSurrogateOnlyWhereThereIsOne) {
  Results results = sample_results();
  EXPECT_THAT(candidates_section(results), HasSubstr(">preserve</th>"));
  for (CandidateResult& candidate : results.candidates) {
    candidate.method = "mean_difference+guard";
  }
  EXPECT_THAT(candidates_section(results), Not(HasSubstr(">preserve</th>")));
  EXPECT_THAT(candidates_section(results), HasSubstr(">mean difference+<wbr>guard</th>"));
}

TEST(Candidates, GiveTheIntervalOfARateAndTheConversationsBehindIt) {
  Results results = sample_results();
  results.candidates[0].rates["dsr"] = {0.42, 0.34398, 0.500015, 1500};
  EXPECT_THAT(candidates_section(results),
              HasSubstr("42.0 % <small>[34.4, 50.0]</small> <small>n = 1\u202f500</small></td>"));
  results.candidates[0].rates["dsr"].n = 0;  // as earlier versions wrote it
  EXPECT_THAT(candidates_section(results), HasSubstr("42.0 % <small>[34.4, 50.0]</small></td>"));
}

TEST(Candidates, StandBelowTheModelWithoutAMask) {
  Results results = sample_results();
  EXPECT_THAT(candidates_section(results),
              HasSubstr("<th scope=\"row\">without a mask</th><td class=\"number\">&ndash;</td>"
                        "<td class=\"number\">53.1 % <small>[45.0, 61.0]</small> "
                        "<small>n = 160</small></td>"));
  results.search.base = {{"dsr", {0.0, 0.0, 1.0, 0}}};  // no reply had a verdict
  EXPECT_THAT(candidates_section(results), HasSubstr(">without a mask</th>"));
  results.search.base.clear();
  results.search.earlier_base_rate = 0.5;
  EXPECT_THAT(candidates_section(results), Not(HasSubstr(">without a mask</th>")))
      << "a number of an earlier version has no count";
}

TEST(Candidates, AreNotSaidToBreakALimitThatAnEstimateAloneRulesOut) {
  Results results = sample_results();
  CandidateResult estimated = results.candidates[2];
  ASSERT_TRUE(estimated.rates.empty());
  ASSERT_FALSE(estimated.estimates.empty());
  estimated.breaks_limit = true;
  estimated.rejection_reason = "quarter estimate: direct drops by 50.0 %";
  results.candidates = {results.candidates[0], estimated};
  const std::string html = candidates_section(results);
  EXPECT_THAT(html, HasSubstr("0 broke one, 1 would by an estimate, 0 not checked"));
  EXPECT_THAT(html, HasSubstr("quarter estimate: direct drops by 50.0 %"));
}

TEST(Candidates, CountStrengthsOfOneMaskAsTrialsOfIt) {
  Results results = sample_results();
  results.candidates = {results.candidates[0], results.candidates[0], results.candidates[0]};
  results.candidates[1].alpha = 1.5;
  results.candidates[1].feasible = false;
  results.candidates[1].breaks_limit = true;
  results.candidates[2].alpha = 2.0;
  results.candidates[2].feasible = false;
  EXPECT_THAT(candidates_section(results),
              HasSubstr("3 trials of 1 mask: 1 within all limits of the scenario, 1 broke one, 1 "
                        "not checked against all of them."));
  EXPECT_THAT(candidates_section(results),
              HasSubstr("on the test split only the chosen mask was measured."));
}

}  // namespace
}  // namespace mascing
