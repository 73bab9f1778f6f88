#include "mascing/budget.h"

#include <gtest/gtest.h>

#include "base/expect_error.h"

namespace mascing {
namespace {

TEST(Budget, ReadsTimesAndNumbersOfTokens) {
  EXPECT_DOUBLE_EQ(parse_budget("90s").seconds, 90.0);
  EXPECT_DOUBLE_EQ(parse_budget("10m").seconds, 600.0);
  EXPECT_DOUBLE_EQ(parse_budget(" 1.5 h").seconds, 5400.0);
  EXPECT_DOUBLE_EQ(parse_budget("2min").seconds, 120.0);
  EXPECT_EQ(parse_budget("200k tokens").n_token, 200000);
  EXPECT_EQ(parse_budget("1.5M Tokens").n_token, 1500000);
  EXPECT_EQ(parse_budget("123 tokens").n_token, 123);
  EXPECT_EQ(parse_budget("0.1 tokens").n_token, 1);
}

TEST(Budget, NamesWhatIsNone) {
  for (const char* text :
       {"", "10", "m", "-3m", "0s", "10 days", "200k", "1e400 s", "nan s", "5mm"}) {
    expect_error(
        ErrorKind::kUsage, "neither a time nor a number", [&] { (void)parse_budget(text); });
  }
}

TEST(Budget, TellsWhichShareIsSpent) {
  EXPECT_DOUBLE_EQ(parse_budget("10s").share_spent(4.0, 999), 0.4);
  EXPECT_DOUBLE_EQ(parse_budget("200 tokens").share_spent(99.0, 300), 1.5);
  EXPECT_DOUBLE_EQ(Budget{}.share_spent(99.0, 999), 0.0);
}

}  // namespace
}  // namespace mascing
