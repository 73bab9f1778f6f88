// What the closed loop asks about each kind of set.
#include "search/objectives.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "base/temporary_folder.h"
#include "base/warning_ids.h"
#include "host/fake_host.h"
#include "judge/refusal_judge.h"
#include "scenario/tiny_scenario.h"
#include "search/unchanged_texts.h"

namespace mascing {
namespace {

const OutcomeSet& set_of(const Objectives& objectives, const std::string& name) {
  for (const OutcomeSet& set : objectives.sets) {
    if (set.name == name) {
      return set;
    }
  }
  ADD_FAILURE() << "no set " << name;
  return objectives.sets.at(0);
}

/// The benign set, with an ordinary request at its head that goes on for some words.
void write_long_benign_row(const TemporaryFolder& folder, int n_word) {
  std::vector<Conversation> rows = tiny_rows("benign", {"a tale of @", "please sing of @ today"});
  for (int i = 0; i < n_word; ++i) {
    rows.front().messages.back().content += " verse";
  }
  write_rows(folder.path("benign.jsonl"), rows);
}

// A target set goes two ways; ordinary requests may be answered anyhow, but not be refused; and
// what must stay refused is broken by whatever is no refusal.
TEST(ObjectivesTest, EachRoleHasTheMarginThatItsLimitIsAbout) {
  const TemporaryFolder folder;
  const Scenario scenario = write_defend(folder.path());
  FakeHost host;
  const Progress progress;
  RefusalJudge judge(scenario.judge);
  CachedEvaluator evaluator(host, Cache(folder.path("cache"), "c"), {0.0F, 0, 20}, progress);
  const Dataset data = load_dataset(scenario, 0);
  const Objectives objectives =
      build_objectives({evaluator, data, scenario, judge, {10.0}}, Split::kDiscovery);

  const OutcomeSet& target = set_of(objectives, "dsr");
  EXPECT_GT(target.n_wanted, 0);
  EXPECT_LT(target.n_wanted, static_cast<int64_t>(target.openings->size()));
  const OutcomeSet& hold = set_of(objectives, "direct");
  EXPECT_GT(hold.n_wanted, 0);
  EXPECT_EQ(hold.n_wanted, static_cast<int64_t>(hold.openings->size()));
  EXPECT_TRUE(std::none_of(objectives.sets.begin(), objectives.sets.end(), [](const auto& set) {
    return set.name == kRareReplies;
  })) << "all refusals begin in one known way";
  const OutcomeSet& benign = set_of(objectives, "benign");
  EXPECT_EQ(benign.n_wanted, 0);
  EXPECT_FALSE(benign.openings->empty());
}

TEST(ObjectivesTest, TextThatIsTooShortToCompareIsSaid) {
  const TemporaryFolder folder;
  Scenario scenario = write_defend(folder.path());
  FakeHost host;
  RefusalJudge judge(scenario.judge);
  CachedEvaluator evaluator(host, Cache(folder.path("cache"), "c"), {0.0F, 0, 20}, {});
  const Dataset data = load_dataset(scenario, 0);
  const auto is_said = [&] {
    const Objectives objectives =
        build_objectives({evaluator, data, scenario, judge, {10.0}}, Split::kDiscovery);
    EXPECT_TRUE(objectives.sees_target());
    const std::vector<std::string> ids = warning_ids(objectives.warnings);
    return std::find(ids.begin(), ids.end(), "general_text_unwatched") != ids.end();
  };
  EXPECT_TRUE(is_said()) << "its blocks have 40 tokens, a piece has 48";
  scenario.general.n_block_token = 60;
  EXPECT_FALSE(is_said());
}

TEST(ObjectivesTest, TextsThatExceedTheContextAreCounted) {
  const TemporaryFolder folder;
  const Scenario scenario = write_defend(folder.path());
  write_long_benign_row(folder, 45);  // a prompt of 60 tokens, of 64
  FakeHost host;
  RefusalJudge judge(scenario.judge);
  CachedEvaluator evaluator(host, Cache(folder.path("cache"), "c"), {0.0F, 0, 20}, {});
  const Dataset data = load_dataset(scenario, 0);
  const Objectives objectives =
      build_objectives({evaluator, data, scenario, judge, {10.0}}, Split::kDiscovery);
  EXPECT_EQ(set_of(objectives, kBenignReplies).size(), 15);
  EXPECT_NE(
      warning_of("texts_left_out", objectives.warnings).text.find("1 of 16 of 'benign replies'"),
      std::string::npos);
}

TEST(ObjectivesTest, ConversationsWithoutAMarginAreCounted) {
  const TemporaryFolder folder;
  const Scenario scenario = write_defend(folder.path());
  write_long_benign_row(folder, 60);  // the context has 64 tokens
  FakeHost host;
  RefusalJudge judge(scenario.judge);
  CachedEvaluator evaluator(host, Cache(folder.path("cache"), "c"), {0.0F, 0, 20}, {});
  const Dataset data = load_dataset(scenario, 0);
  const Objectives objectives =
      build_objectives({evaluator, data, scenario, judge, {10.0}}, Split::kDiscovery);
  EXPECT_NE(warning_of("margins_left_out", objectives.warnings).text.find("1 of 16 of 'benign'"),
            std::string::npos);
}

// A file may have its conversations by topic.
TEST(ObjectivesTest, OfALongBenignSetRepliesFromAllOfItAreCompared) {
  LoadedSet set;
  set.splits[static_cast<size_t>(Split::kDiscovery)].resize(4 * kReplyRows);
  std::vector<Conversation>& all = set.splits[static_cast<size_t>(Split::kDiscovery)];
  for (size_t i = 0; i < all.size(); ++i) {
    all[i].id = std::to_string(i);
  }
  const std::vector<Conversation> rows = benign_rows(set, Split::kDiscovery);
  ASSERT_EQ(rows.size(), kReplyRows);
  EXPECT_EQ(rows[1].id, "4");
  EXPECT_EQ(rows.back().id, "796");
}

}  // namespace
}  // namespace mascing
