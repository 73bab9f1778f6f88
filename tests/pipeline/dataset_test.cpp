// The division into discovery, selection and test, and the checks that the three are disjoint.
#include "pipeline/dataset.h"

#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/expect_error.h"
#include "base/temporary_folder.h"
#include "pipeline/tiny_scenario.h"

namespace mascing {
namespace {

class DatasetTest : public testing::Test {
 protected:
  [[nodiscard]] Scenario scenario_with(const std::vector<Conversation>& rows) const {
    write_rows(folder_.path("rows.jsonl"), rows);
    Scenario scenario;
    ScenarioSet set;
    set.metric = "dsr";
    set.role = SetRole::kTarget;
    set.data = {folder_.path("rows.jsonl")};
    scenario.sets = {set};
    return scenario;
  }
  [[nodiscard]] static std::vector<Conversation> rows_without_split(int n_topic, int n_row) {
    std::vector<Conversation> rows;
    for (int i = 0; i < n_row; ++i) {
      rows.push_back(tiny_row("r" + std::to_string(i),
                              "t" + std::to_string(i % n_topic),
                              "",
                              "request " + std::to_string(i)));
    }
    return rows;
  }

  TemporaryFolder folder_;
};

TEST_F(DatasetTest, RowsWithASplitGoWhereTheySay) {
  const Dataset data = load_dataset(write_defend(folder_.path()), 0);
  EXPECT_EQ(data.target().spec.metric, "dsr");
  EXPECT_EQ(data.target().rows(Split::kDiscovery).size(), 32U);
  EXPECT_EQ(data.target().rows(Split::kSelection).size(), 16U);
  EXPECT_EQ(data.target().rows(Split::kTest).size(), 16U);
  EXPECT_EQ(data.sets.size(), 3U);
  EXPECT_EQ(data.choices.size(), 1U);
  EXPECT_FALSE(data.text.empty());
}

TEST_F(DatasetTest, RowsWithoutASplitAreDividedByTopic) {
  const Dataset data = load_dataset(scenario_with(rows_without_split(60, 600)), 0);
  std::set<std::string> seen;
  size_t n_topic = 0;
  for (const Split split : {Split::kDiscovery, Split::kSelection, Split::kTest}) {
    std::set<std::string> topics;
    for (const Conversation& row : data.target().rows(split)) {
      topics.insert(row.topic);
    }
    n_topic += topics.size();
    seen.insert(topics.begin(), topics.end());
  }
  EXPECT_EQ(n_topic, seen.size()) << "a topic stands in two splits";
  EXPECT_EQ(n_topic, 60U);
  EXPECT_GT(data.target().rows(Split::kDiscovery).size(),
            data.target().rows(Split::kSelection).size());
}

TEST_F(DatasetTest, TheDivisionDependsOnTheSeedAlone) {
  const Scenario scenario = scenario_with(rows_without_split(60, 120));
  const auto ids = [&](uint64_t seed) {
    std::vector<std::string> all;
    const Dataset data = load_dataset(scenario, seed);
    for (const Conversation& row : data.target().rows(Split::kTest)) {
      all.push_back(row.id);
    }
    return all;
  };
  EXPECT_EQ(ids(1), ids(1));
  EXPECT_NE(ids(1), ids(2));
}

TEST_F(DatasetTest, ATopicInTwoSplitsOfTheTargetIsRefused) {
  auto rows = tiny_rows("a", {"about @"});
  rows.push_back(tiny_row("extra", "topic0", "test", "another text"));
  expect_error(ErrorKind::kBadInput, "topic 'topic0' in two splits", [&] {
    (void)load_dataset(scenario_with(rows), 0);
  });
}

TEST_F(DatasetTest, ATopicInTwoSplitsOfAnotherSetIsAWarningOnlyIfARequestIsShared) {
  Scenario scenario = write_defend(folder_.path());
  auto rows = tiny_rows("a", {"about @"});
  rows.push_back(tiny_row("extra", "topic0", "test", "another text"));
  write_rows(folder_.path("direct.jsonl"), rows);
  EXPECT_TRUE(load_dataset(scenario, 0).warnings.empty());
  rows.back().messages = {{"user", "about topic0"}};
  write_rows(folder_.path("direct.jsonl"), rows);
  const Dataset data = load_dataset(scenario, 0);
  ASSERT_EQ(data.warnings.size(), 1U);
  EXPECT_EQ(data.warnings[0].id, "shared_requests");
}

TEST_F(DatasetTest, AConversationInTwoSplitsIsRefused) {
  auto rows = tiny_rows("a", {"about @"});
  Conversation copy = rows.front();
  copy.id = "copy";
  copy.topic = "";
  copy.split = "test";
  rows.push_back(copy);
  expect_error(ErrorKind::kBadInput, "one conversation in two splits", [&] {
    (void)load_dataset(scenario_with(rows), 0);
  });
}

TEST_F(DatasetTest, AnEmptySplitIsNamed) {
  for (const char* split : {"discovery", "selection", "test"}) {
    auto rows = tiny_rows("a", {"about @"});
    std::erase_if(rows, [&](const Conversation& row) { return row.split == split; });
    expect_error(ErrorKind::kInsufficient, std::string("in its ") + split + " split", [&] {
      (void)load_dataset(scenario_with(rows), 0);
    });
  }
}

TEST_F(DatasetTest, AnUnknownSplitIsNamed) {
  auto rows = tiny_rows("a", {"about @"});
  rows[3].split = "train";
  expect_error(
      ErrorKind::kBadInput, "split 'train'", [&] { (void)load_dataset(scenario_with(rows), 0); });
}

TEST_F(DatasetTest, AnIdInTwoFilesOfASetIsRefused) {
  Scenario scenario = scenario_with(tiny_rows("a", {"about @"}));
  write_rows(folder_.path("more.jsonl"), {tiny_row("a-3", "elsewhere", "test", "hello")});
  scenario.sets[0].data.push_back(folder_.path("more.jsonl"));
  expect_error(ErrorKind::kBadInput, "id 'a-3' twice", [&] { (void)load_dataset(scenario, 0); });
}

TEST_F(DatasetTest, TheHashFollowsEveryFile) {
  const Scenario scenario = write_defend(folder_.path());
  const std::string before = load_dataset(scenario, 0).hash;
  EXPECT_EQ(load_dataset(scenario, 0).hash, before);
  std::set<std::string> hashes = {before};
  for (const char* file :
       {"attacks.jsonl", "direct.jsonl", "benign.jsonl", "text.txt", "facts.jsonl"}) {
    const std::string content = read_text_file(folder_.path(file));
    write_file_atomically(folder_.path(file), content + "\n");
    hashes.insert(load_dataset(scenario, 0).hash);
    write_file_atomically(folder_.path(file), content);
  }
  EXPECT_EQ(hashes.size(), 6U);
}

}  // namespace
}  // namespace mascing
