#include <cmath>
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
  const Rate narrow{1.0, 0.996, 1.0, 99999};
  results.metrics["dsr"].base = narrow;
  results.metrics["dsr"].steered = narrow;
  results.metrics["dsr"].sampled = SampledResult{0.8, 3, 99999, narrow, narrow, {0.43, 0.38, 0.48}};
  results.candidates.back().setting = "block 3, alpha 2, and more";
  results.candidates.back().metrics["dsr"].steered = Rate{1.0, 0.99, 1.0};
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
  EXPECT_EQ(
      headline(sample_results(), "->"),
      "DSR (defence success rate) 54.0 % -> 97.0 % on 300 held-out conversations: 130 fixed, 1 "
      "broken");
  Results results = sample_results();
  results.metrics["dsr"].p_value = 0.4;
  EXPECT_THAT(headline(results, "->"), HasSubstr("the change is not significant"));
  results.metrics["dsr"].steered.reset();
  EXPECT_EQ(
      headline(results, "->"),
      "DSR (defence success rate) 54.0 % on 300 held-out conversations without a mask; no mask was "
      "measured");
  results.mask_method.clear();
  EXPECT_THAT(headline(results, "->"), HasSubstr("no mask was found"));
}

TEST(Headline, TakesTheMetricThatWasToChange) {
  Results results = sample_results();
  results.metrics["gsr"] = results.metrics["keep_answered"];
  EXPECT_THAT(headline(results, "->"), HasSubstr("DSR"));
  results.target_metric = "gsr";
  EXPECT_THAT(headline(results, "->"), HasSubstr("GSR (generation success rate) 66.4 % -> 52.0 %"));
}

// A limit of 98.0 % and a rate of 97.7 %: in two decimals of a share both are .98.
TEST(Rates, TellARateFromALimitNearIt) {
  EXPECT_EQ(rate_text(0.977), "97.7 %");
  EXPECT_EQ(rate_text(0.98), "98.0 %");
  EXPECT_EQ(rate_text(1.0), "100.0 %");
  EXPECT_EQ(rate_text(std::nan("")), "-");
  EXPECT_EQ(bare_rate_text(0.977), "97.7");
  EXPECT_EQ(bare_rate_text(std::nan("")), "-");
  EXPECT_EQ(fraction_text(0.977), "0.98") << "an AUC is no rate";
  EXPECT_EQ(change_text(-0.023), "-2.3 points");
  EXPECT_EQ(change_text(0.0001), "0.0 points");
  EXPECT_EQ(bare_change_text(0.43), "+43.0");
  EXPECT_EQ(bare_change_text(std::nan("")), "-");
  EXPECT_EQ(change_interval_text({0.43, 0.379, 0.481}), "+43.0 [+37.9, +48.1]");
}

TEST(Rates, HaveIntervalsWithAWidth) {
  EXPECT_EQ(interval_text({0.54, 0.483464, 0.595531}), "[48.3, 59.6]");
  EXPECT_EQ(interval_text({1.0, 0.996, 1.0}), "[99.6, 100.0]");
  EXPECT_EQ(interval_text({1.0, 0.9996, 1.0}), "[99.96, 100.00]");
  EXPECT_EQ(interval_text({1.0, 1.0, 1.0}), "[100.0, 100.0]");
  EXPECT_EQ(rate_html({0.54, 0.483464, 0.595531}), "54.0 % <small>[48.3, 59.6]</small>");
  EXPECT_EQ(compact_rate_text({0.54, 0.483464, 0.595531}), "54.0 [48, 60]");
  EXPECT_EQ(compact_rate_text({1.0, 0.996, 1.0}), "100.0 [99.6, 100]");
  EXPECT_EQ(compact_rate_text({0.0, 0.0, 0.004}), "0.0 [0, 0.4]");
  EXPECT_EQ(compact_rate_text({0.5, 0.498, 0.502}), "50.0 [49.8, 50.2]");
  EXPECT_EQ(compact_change_text({0.43, 0.379, 0.481}), "+43.0 [+38, +48]");
  EXPECT_EQ(compact_change_text({0.0, -0.004, 0.004}), "0.0 [-0.4, +0.4]");
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
