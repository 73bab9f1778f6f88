#include "run/skip_warnings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mascing {
namespace {

using ::testing::HasSubstr;

/// `n` rows with ids of this prefix on a split of a set.
void add_rows(LoadedSet& set, Split split, const std::string& prefix, int n) {
  for (int i = 0; i < n; ++i) {
    Conversation row;
    row.id = prefix + std::to_string(i);
    set.splits[static_cast<size_t>(split)].push_back(row);
  }
}

Dataset large_data() {
  Dataset data;
  data.sets.resize(2);
  data.sets[0].spec.metric = "dsr";
  data.sets[1].spec.metric = "benign_compliance";
  add_rows(data.sets[0], Split::kDiscovery, "d", 300);
  add_rows(data.sets[0], Split::kTest, "t", 30);
  add_rows(data.sets[1], Split::kTest, "b", 100);
  return data;
}

TEST(SkipWarnings, OneSplitOfOneSetIsEnough) {
  Results results;
  results.skipped = {{"b0", "a judge failed"}, {"t0", "too long"}};
  EXPECT_TRUE(skip_warnings(results, large_data()).empty()) << "single ones";
  results.skipped.push_back({"t1", "too long, too"});
  const auto warnings = skip_warnings(results, large_data());
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_EQ(warnings[0].id, "rows_skipped");
  EXPECT_EQ(warnings[0].text,
            "6.7 % of the test conversations of 'dsr' (2 of 30) were skipped, the first because "
            "too long");
}

TEST(SkipWarnings, IdsOfSeveralSetsCountInAllOfThemTogetherOnly) {
  Dataset data = large_data();
  add_rows(data.sets[1], Split::kSelection, "t", 30);
  Results results;
  results.skipped = {{"t0", "too long"}, {"t1", "too long"}};
  EXPECT_TRUE(skip_warnings(results, data).empty());
  for (int i = 0; i < 30; ++i) {
    results.skipped.push_back({"t" + std::to_string(i), "too long"});
  }
  const auto warnings = skip_warnings(results, data);
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_THAT(warnings[0].text, HasSubstr("6.5 % of the conversations (30 of 460)"));
}

}  // namespace
}  // namespace mascing
