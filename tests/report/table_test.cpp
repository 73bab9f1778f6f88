#include <regex>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/files.h"
#include "mascing/report.h"
#include "report/numbers.h"
#include "report/sample_results.h"

namespace mascing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(Table, LooksAsItDidBefore) {
  EXPECT_EQ(render_table(sample_results(), false),
            read_text_file(MASCING_TEST_DATA "/report/golden/table.txt"));
}

TEST(Table, StaysWithinEightyColumnsWhateverItHolds) {
  Results results = sample_results();
  results.metrics["a_metric_with_a_name_that_is_rather_long"] = results.metrics["dsr"];
  results.metrics["dsr"].n = 99999;
  results.metrics["dsr"].fixed = 99999;
  results.warnings[0].text.append(300, ' ').append(
      "and many more words, again and again, until the line is full");
  std::istringstream lines(render_table(results, false));
  for (std::string line; std::getline(lines, line);) {
    EXPECT_LE(line.size(), 80U) << line;
  }
}

TEST(Table, IsTheSameTextWithAndWithoutColour) {
  const std::string coloured = render_table(sample_results(), true);
  EXPECT_THAT(coloured, HasSubstr("\x1b["));
  EXPECT_EQ(std::regex_replace(coloured, std::regex("\x1b\\[[0-9]*m"), ""),
            render_table(sample_results(), false));
}

TEST(Table, LetsNoControlCharacterThrough) {
  Results results = sample_results();
  results.warnings[0].text = "a \x1b[2J \u202e\u009b2J\u2066b\nc";
  EXPECT_THAT(render_table(results, false), Not(HasSubstr("\u202e")));
  EXPECT_THAT(render_table(results, false), Not(HasSubstr("\u009b")));
  EXPECT_THAT(render_table(results, false), Not(HasSubstr("\x1b")));
  EXPECT_THAT(render_table(results, false), HasSubstr("a [2J 2Jb c"));
}

TEST(Table, CopesWithARunThatMeasuredNothing) {
  EXPECT_EQ(render_table(Results{}, false), "No metrics were measured.\n");
}

TEST(Table, SaysHowTheMaskWasMadeAndWhatItTook) {
  Results results = sample_results();
  results.mask_method = "closed_loop";
  const std::string table = render_table(results, false);
  EXPECT_THAT(table, HasSubstr("mask                  closed loop, 5 of 8 entries, alpha 0.75\n"));
  EXPECT_THAT(table, HasSubstr("AUC of one prefill    0.97 (450 generated replies)\n"));
  EXPECT_THAT(table,
              HasSubstr("cost                  123 456 prefill tokens, 7 890 generated tokens\n"));
  results.mask_method.clear();
  results.outcome = {};
  EXPECT_THAT(render_table(results, false), Not(HasSubstr("entries, alpha")));
  EXPECT_THAT(render_table(results, false), Not(HasSubstr("AUC")));
}

TEST(Headline, SaysWhatChangedAndOnHowMany) {
  EXPECT_EQ(headline(sample_results(), "->"),
            "DSR (defence success rate) 0.54 -> 0.97 on 300 held-out conversations: 130 fixed, 1 "
            "broken");
  Results results = sample_results();
  results.metrics["dsr"].p_value = 0.4;
  EXPECT_THAT(headline(results, "->"), HasSubstr("the change is not significant"));
  results.metrics["dsr"].steered.reset();
  EXPECT_EQ(
      headline(results, "->"),
      "DSR (defence success rate) 0.54 on 300 held-out conversations without a mask; no mask was "
      "measured");
  results.mask_method.clear();
  EXPECT_THAT(headline(results, "->"), HasSubstr("no mask was found"));
}

TEST(Headline, TakesTheMetricThatWasToChange) {
  Results results = sample_results();
  results.metrics["gsr"] = results.metrics["keep_answered"];
  EXPECT_THAT(headline(results, "->"), HasSubstr("DSR"));
  results.target_metric = "gsr";
  EXPECT_THAT(headline(results, "->"), HasSubstr("GSR (generation success rate) 0.66 -> 0.52"));
}

TEST(Numbers, AreShortAndHonest) {
  EXPECT_EQ(p_text(0.00009), "<0.0001");
  EXPECT_EQ(p_text(0.05), "0.0500");
  EXPECT_EQ(relative_change_text(100.0, 102.94), "+2.9 %");
  EXPECT_EQ(relative_change_text(100.0, 99.99), "0.0 %");
  EXPECT_EQ(relative_change_text(0.0, 1.0), "-");
  EXPECT_EQ(count_text(1234567), "1 234 567");
  EXPECT_EQ(count_text(-123), "-123");
  EXPECT_EQ(signed_text(-0.001, 2), "0.00");
  EXPECT_EQ(signed_text(0.001, 2), "0.00");
  EXPECT_EQ(signed_text(0.01, 2), "+0.01");
  EXPECT_EQ(interval_text({1.0, 0.996, 1.0}), "[0.996, 1.000]");
  EXPECT_EQ(interval_text({1.0, 0.98, 1.0}), "[0.98, 1.00]");
  EXPECT_EQ(compact_rate_text({0.0, 0.0, 0.004}), "0.00 [.000, .004]");
  EXPECT_EQ(time_text(5.432), "5.4 s");
  EXPECT_EQ(time_text(723.0), "12 min 3 s");
  EXPECT_EQ(time_text(4465.1), "1 h 14 min");
  EXPECT_EQ(short_text(0.001), "0.001");
  EXPECT_EQ(short_text(0.00001), "0.00001");
  EXPECT_EQ(short_text(0.000074), "0.00007");
  EXPECT_EQ(short_text(1e-12), "0");
  EXPECT_EQ(short_text(131.2), "131");
  EXPECT_EQ(short_text(1.0), "1");
  EXPECT_EQ(short_text(0.0), "0");
  EXPECT_EQ(short_text(0.25), "0.25");
}

}  // namespace
}  // namespace mascing
