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
  EXPECT_THAT(html, HasSubstr("<td class=\"number\">0.95 <small>[0.91, 0.97]</small>"));
  EXPECT_THAT(html, HasSubstr("<td class=\"number\">~0.87</td>"));
  EXPECT_THAT(html, Not(HasSubstr("~0.94")));  // this one's replies were generated
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
  results.candidates[0].rates["dsr"] = {0.42, 0.34398, 0.500015};
  EXPECT_THAT(candidates_section(results),
              HasSubstr("0.42 <small>[0.34, 0.50]</small> <small>n = 150</small>"));
  results.candidates[0].rates["dsr"] = {1.0, 0.973294, 1.0};
  EXPECT_THAT(candidates_section(results),
              HasSubstr("1.00 <small>[0.97, 1.00]</small> <small>n = 140</small>"));
  results.candidates[0].rates["dsr"] = {0.5, 0.490202, 0.509798};
  EXPECT_THAT(candidates_section(results), HasSubstr("0.50 <small>[0.49, 0.51]</small></td>"));
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
