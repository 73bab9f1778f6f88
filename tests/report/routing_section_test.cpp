#include "report/routing_section.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "report/sample_results.h"

namespace mascing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(RoutingSection, SaysHowMuchWasReadAndWhatWasNot) {
  const std::string html = routing_part(sample_results());
  EXPECT_THAT(html, HasSubstr("40 tokens of 4 conversations, drawn at random"));
  EXPECT_THAT(html, HasSubstr("one by one in 6 conversations"));
  EXPECT_THAT(html, HasSubstr("294 conversations of the test split were left out, and 17 tokens"));
}

TEST(RoutingSection, SaysWhereTheChoiceIsNotTheModelsOwn) {
  Results results = sample_results();
  EXPECT_THAT(routing_part(results), Not(HasSubstr("router logits alone")));
  EXPECT_THAT(routing_part(results), Not(HasSubstr("the token itself decides")));
  results.routing.by_logits = "its <gating> is not stated";
  results.routing.layers_by_token = {0, 1};
  const std::string html = routing_part(results);
  EXPECT_THAT(html, HasSubstr("by their router logits alone (its &lt;gating&gt; is not stated)"));
  EXPECT_THAT(html, HasSubstr("In layers 0, 1 the token itself decides"));
}

TEST(RoutingSection, SaysWhatTheMarginsCostAndWhatHasNone) {
  Results results = sample_results();
  const std::string html = routing_part(results);
  EXPECT_THAT(html, HasSubstr("At the end of 21 user messages"));
  EXPECT_THAT(html, HasSubstr("(540 tokens of prompts and openings)"));
  EXPECT_THAT(html,
              HasSubstr("3 messages, because a model that reasons &lt;b&gt;waits&lt;/b&gt;."));
  results.routing.margins = {};
  EXPECT_THAT(routing_part(results), Not(HasSubstr("At the end of")));
}

TEST(RoutingSection, ListsTheExpertsWhoseRateChangedMostFirst) {
  const std::string html = routing_part(sample_results());
  const size_t first = html.find("+0.5000");
  const size_t second = html.find("-0.3750");
  EXPECT_NE(first, std::string::npos);
  EXPECT_NE(second, std::string::npos);
  EXPECT_LT(first, second);
  EXPECT_THAT(html, HasSubstr("0.7500"));
  EXPECT_THAT(html, HasSubstr("25.0 %"));
  EXPECT_THAT(html, HasSubstr("6.2 %"));
  EXPECT_EQ(count_of(html, "<tr"), (1 + 5) + (1 + 2)) << "head and moved experts, head and layers";
}

TEST(RoutingSection, GivesTheReasonWhereNothingWasRead) {
  Results results = sample_results();
  results.routing = {};
  results.routing.reason = "[host] no <routers> to show";
  const std::string html = routing_part(results);
  EXPECT_THAT(html, HasSubstr("was not read: [host] no &lt;routers&gt; to show."));
  EXPECT_THAT(html, Not(HasSubstr("<table")));
}

TEST(RoutingSection, IsEmptyForResultsOfEarlierVersionsAndHoldsWrongFormsOff) {
  Results results = sample_results();
  results.routing = {};
  EXPECT_EQ(routing_part(results), "");
  results = sample_results();
  results.routing.steered.pop_back();
  EXPECT_EQ(routing_part(results), "");
}

}  // namespace
}  // namespace mascing
