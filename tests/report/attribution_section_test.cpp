// The report's section about which experts bring about the change.
#include "report/attribution_section.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "report/sample_results.h"

namespace mascing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(AttributionSection, GivesTheChangeTheSumAndTheLargestPartsFirst) {
  const std::string html = attribution_section(sample_results());
  EXPECT_THAT(html, HasSubstr("changes by +2.50 nats, the mean over 32 conversations"));
  EXPECT_THAT(html, HasSubstr("the parts add up to +2.38 nats"));
  EXPECT_THAT(html, HasSubstr("agree within a fifth"));
  const size_t table = html.find("<table>");
  const size_t largest = html.find("+1.500", table);
  EXPECT_LT(largest, html.find("+0.500", table));
  EXPECT_NE(html.find("63 %", largest), std::string::npos);
}

TEST(AttributionSection, SaysWhenThePartsDoNotAccountForTheChange) {
  Results results = sample_results();
  results.loop.attribution.attributed = 1.5;
  EXPECT_THAT(attribution_section(results), HasSubstr("Read the parts as an order"));
  EXPECT_THAT(attribution_section(results), Not(HasSubstr("agree within a fifth")));
}

TEST(AttributionSection, IsOfTheLoopThatFoundTheMask) {
  Results results = sample_results();
  results.adapter_loop = results.loop;
  results.adapter_loop->attribution.change = 7.25;
  results.mask_method = "closed_loop";
  EXPECT_THAT(attribution_section(results), HasSubstr("changes by +2.50 nats"));
  results.mask_method = "router_adapter+look";
  EXPECT_THAT(attribution_section(results), HasSubstr("changes by +7.25 nats"));
}

TEST(AttributionSection, IsLeftOutWithoutPartsAndWithMatricesThatDoNotFit) {
  EXPECT_EQ(attribution_section(Results{}), "");
  Results results = sample_results();
  results.loop.attribution.part[1].pop_back();
  EXPECT_EQ(attribution_section(results), "");
  results = sample_results();
  results.loop.attribution.standard_error.pop_back();
  EXPECT_EQ(attribution_section(results), "");
  results = sample_results();
  results.loop.attribution.n_conversation = 0;
  EXPECT_EQ(attribution_section(results), "");
}

}  // namespace
}  // namespace mascing
