#include "measure/left_out.h"

#include <gtest/gtest.h>

namespace mascing {
namespace {

OutcomeSet set_of(const std::string& name, size_t n_text) {
  OutcomeSet set;
  set.name = name;
  set.texts.resize(n_text);
  return set;
}

TEST(LeftOut, CountsAnItemOnceAndKeepsTheFirstReason) {
  LeftOut left_out;
  EXPECT_TRUE(left_out.empty());
  const OutcomeSet tales = set_of("tales", 40);
  const OutcomeSet songs = set_of("songs", 12);
  left_out.add(tales, 3, "too long\x1b");
  left_out.add(songs, 0, "no rule");
  left_out.add(tales, 3, "too long");
  left_out.add(tales, 8, "too long");
  EXPECT_FALSE(left_out.empty());
  EXPECT_EQ(left_out.words(),
            "1 of 12 of 'songs', 2 of 40 of 'tales'; the first because: too long?");
}

}  // namespace
}  // namespace mascing
