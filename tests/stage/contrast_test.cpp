// Who stands against whom: topics in equal parts, turns as alike as can be, prefixes where label 0
// is short.
#include "mascing/contrast.h"

#include <map>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mascing {
namespace {

// `n_turn` user turns, answered but for the last one.
Conversation talk(const std::string& id, const std::string& topic, int64_t n_turn, int label) {
  Conversation row;
  row.id = id;
  row.topic = topic;
  row.label = label;
  row.reply = "final reply";
  for (int64_t i = 0; i < n_turn; ++i) {
    if (i > 0) {
      row.messages.push_back({"assistant", "reply " + std::to_string(i)});
    }
    row.messages.push_back({"user", id + " turn " + std::to_string(i + 1)});
  }
  return row;
}

std::map<std::pair<std::string, int>, int64_t> count_by_topic(const ContrastSet& set) {
  std::map<std::pair<std::string, int>, int64_t> counts;
  for (const Conversation& row : set.rows) {
    ++counts[{row.topic, *row.label}];
  }
  return counts;
}

std::vector<Conversation> uneven() {
  std::vector<Conversation> rows;
  for (int i = 0; i < 6; ++i) {
    rows.push_back(talk("seal-one-" + std::to_string(i), "seal", 3, 1));
    rows.push_back(talk("owl-zero-" + std::to_string(i), "owl", 1, 0));
  }
  rows.push_back(talk("seal-zero-a", "seal", 3, 0));
  rows.push_back(talk("seal-zero-b", "seal", 1, 0));
  rows.push_back(talk("owl-one", "owl", 2, 1));
  return rows;
}

TEST(MatchContrast, EveryTopicHasAsManyOfEachLabel) {
  const ContrastSet set = match_contrast(uneven(), Contrast::kMatched, 0);
  for (const char* topic : {"seal", "owl"}) {
    EXPECT_EQ(count_by_topic(set)[std::make_pair(std::string(topic), 0)],
              count_by_topic(set)[std::make_pair(std::string(topic), 1)]);
  }
  const ContrastReport& report = set.report;
  EXPECT_EQ(report.n_label_1, 3);
  EXPECT_EQ(report.n_same_turns, 1);
  EXPECT_EQ(report.n_same_topic, 2);
  EXPECT_EQ(report.n_prefix, 0);
  EXPECT_EQ(report.n_dropped_1, 4);
  EXPECT_EQ(report.n_dropped_0, 5);
  EXPECT_EQ(set.rows.size(), 6U);
}

TEST(MatchContrast, TheSameNumberOfTurnsComesFirst) {
  std::vector<Conversation> rows;
  for (int64_t n_turn = 1; n_turn <= 5; ++n_turn) {
    rows.push_back(talk("one-" + std::to_string(n_turn), "seal", n_turn, 1));
    rows.push_back(talk("zero-" + std::to_string(n_turn), "seal", n_turn, 0));
    rows.push_back(talk("more-" + std::to_string(n_turn), "seal", 9, 0));
  }
  const ContrastSet set = match_contrast(rows, Contrast::kMatched, 3);
  EXPECT_EQ(set.report.n_same_turns, 5);
  EXPECT_EQ(set.report.n_dropped_0, 5);
  for (const Conversation& row : set.rows) {
    EXPECT_NE(count_user_turns(row), 9) << row.id;
  }
}

TEST(MatchContrast, PrefixesAreTheTurnsBeforeTheBreakWithTheReplyOfThen) {
  const ContrastSet set = match_contrast(uneven(), Contrast::kPrefixes, 0);
  EXPECT_EQ(set.report.n_label_1, 7);
  EXPECT_EQ(set.report.n_prefix, 4);
  EXPECT_EQ(set.report.n_dropped_1, 0);
  EXPECT_EQ(count_by_topic(set)[std::make_pair(std::string("seal"), 0)], 6);
  std::set<std::string> ids;
  int64_t n_prefix = 0;
  for (const Conversation& row : set.rows) {
    EXPECT_TRUE(ids.insert(row.id).second) << row.id;
    EXPECT_EQ(row.messages.back().role, "user");
    if (row.id.find("/before-") == std::string::npos) {
      continue;
    }
    ++n_prefix;
    const int64_t n_turn = count_user_turns(row);
    EXPECT_EQ(row.label, 0);
    EXPECT_EQ(row.topic, "seal");
    EXPECT_EQ(n_turn, 2) << "nearest to three turns";
    EXPECT_EQ(row.reply, "reply " + std::to_string(n_turn));
    EXPECT_THAT(row.id, testing::EndsWith("/before-" + std::to_string(n_turn + 1)));
  }
  EXPECT_EQ(n_prefix, 4);
}

TEST(MatchContrast, UnansweredTurnsGiveNoPrefix) {
  Conversation script = talk("one", "seal", 1, 1);
  script.messages = {{"user", "a"}, {"user", "b"}, {"user", "c"}};
  const ContrastSet set = match_contrast({script}, Contrast::kPrefixes, 0);
  EXPECT_EQ(set.report.n_prefix, 0);
  EXPECT_EQ(set.report.n_dropped_1, 1);
  EXPECT_TRUE(set.rows.empty());
}

TEST(MatchContrast, UnlabelledRowsPassAndAllMeansAll) {
  auto rows = uneven();
  rows.front().label.reset();
  const ContrastSet all = match_contrast(rows, Contrast::kAll, 0);
  EXPECT_EQ(all.rows, rows);
  const ContrastSet matched = match_contrast(rows, Contrast::kMatched, 0);
  EXPECT_EQ(matched.rows.front(), rows.front());
  EXPECT_EQ(match_contrast(rows, Contrast::kMatched, 0).rows, matched.rows);
}

TEST(MatchContrast, WordsAreReadAndWritten) {
  for (const Contrast contrast : {Contrast::kAll, Contrast::kMatched, Contrast::kPrefixes}) {
    EXPECT_EQ(parse_contrast(to_string(contrast)), contrast);
  }
  EXPECT_FALSE(parse_contrast("some").has_value());
}

}  // namespace
}  // namespace mascing
