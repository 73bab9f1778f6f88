// Playing scripts on the fake host, which refuses the word "seal" unless it hears "please".
#include "stage/collect.h"

#include <map>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/expect_error.h"
#include "host/fake_host.h"

namespace mascing {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Conversation script(const std::string& id, const std::vector<std::string>& requests) {
  Conversation row;
  row.id = id;
  row.topic = "seals";
  for (const std::string& request : requests) {
    row.messages.push_back({"user", request});
  }
  return row;
}

std::vector<PlayVerdict> judge_by_prefix(const std::vector<PlayedReply>& replies) {
  std::vector<PlayVerdict> verdicts;
  for (const PlayedReply& reply : replies) {
    const bool is_refused = reply.reply.starts_with("I'm sorry");
    verdicts.push_back({is_refused ? Verdict::kRefused : Verdict::kAnswered});
  }
  return verdicts;
}

std::vector<std::string> roles(const Conversation& row) {
  std::vector<std::string> all;
  for (const Message& message : row.messages) {
    all.push_back(message.role);
  }
  return all;
}

class CollectTest : public testing::Test {
 protected:
  CollectTest() { options_.sampling.n_max_token = 20; }

  /// By script.
  std::map<int64_t, Played> play(const std::vector<Conversation>& scripts) {
    std::map<int64_t, Played> all;
    play_scripts(host_, scripts, judge_, options_, [&](const Played& played) {
      EXPECT_TRUE(all.emplace(played.i_script, played).second) << "told twice";
    });
    EXPECT_EQ(all.size(), scripts.size());
    return all;
  }
  Played play_one(const Conversation& one) { return play({one}).at(0); }

  FakeHost host_;
  CollectOptions options_;
  JudgeReplies judge_ = judge_by_prefix;
};

TEST_F(CollectTest, StopsAtTheFirstTurnThatShowsTheBehaviour) {
  const Played played =
      play_one(script("a", {"the seal", "please the seal", "please sing of the seal"}));
  ASSERT_TRUE(played.ok()) << played.error;
  EXPECT_EQ(played.row.label, 1);
  EXPECT_EQ(played.row.turn, 2);
  EXPECT_EQ(played.row.attempt, 1);
  EXPECT_EQ(played.row.topic, "seals");
  EXPECT_THAT(roles(played.row), ElementsAre("user", "assistant", "user"));
  EXPECT_EQ(played.row.messages.back().content, "please the seal");
  EXPECT_THAT(played.row.messages[1].content, HasSubstr("I'm sorry"));
  EXPECT_THAT(played.row.reply, HasSubstr("Here is"));
}

TEST_F(CollectTest, AScriptWithoutTheBehaviourEndsWithLabelZero) {
  const Played played = play_one(script("a", {"the seal", "show the seal", "forge the seal"}));
  EXPECT_EQ(played.row.label, 0);
  EXPECT_EQ(played.row.turn, 3);
  EXPECT_EQ(played.row.messages.size(), 5U);
}

TEST_F(CollectTest, LooksForRefusalsWhereTheyAreTheBehaviour) {
  options_.behaviour = Verdict::kRefused;
  const auto played = play({script("a", {"good day", "the seal", "good night"}),
                            script("b", {"good day", "good night"})});
  EXPECT_EQ(played.at(0).row.label, 1);
  EXPECT_EQ(played.at(0).row.turn, 2);
  EXPECT_EQ(played.at(1).row.label, 0);
}

TEST_F(CollectTest, JudgesTheLastTurnAloneIfAsked) {
  options_.judge_every_turn = false;
  const auto played =
      play({script("a", {"good day", "the seal"}), script("b", {"good day", "please the seal"})});
  EXPECT_EQ(played.at(0).row.label, 0);
  EXPECT_EQ(played.at(1).row.label, 1);
  EXPECT_EQ(played.at(1).row.turn, 2);
}

TEST_F(CollectTest, ShowsTheModelNoMoreThanTheHistoryHolds) {
  options_.n_history = 1;
  options_.judge_every_turn = false;
  Conversation row = script("a", {"one", "two", "three", "four"});
  row.messages.insert(row.messages.begin(), {"system", "be polite"});
  const Played played = play_one(row);
  EXPECT_THAT(roles(played.row), ElementsAre("system", "user", "assistant", "user"));
  EXPECT_EQ(played.row.messages[1].content, "three");
  EXPECT_EQ(played.row.turn, 4);
}

TEST_F(CollectTest, RepliesOfTheScriptStandUnlessTheModelIsToWriteThem) {
  options_.judge_every_turn = false;
  Conversation row = script("a", {"good day", "sing", "the seal"});
  row.messages.insert(row.messages.begin() + 1, {"assistant", "from the script"});
  row.messages.push_back({"assistant", "a reply to be written anew"});
  const Played kept = play_one(row);
  EXPECT_EQ(kept.row.messages[1].content, "from the script");
  EXPECT_THAT(kept.row.messages[3].content, HasSubstr("Here is"));
  EXPECT_EQ(kept.row.messages.back().content, "the seal");
  EXPECT_THAT(kept.row.reply, HasSubstr("I'm sorry"));
  options_.keep_replies = false;
  EXPECT_THAT(play_one(row).row.messages[1].content, HasSubstr("Here is"));
}

TEST_F(CollectTest, PlaysAgainUntilTheBehaviourShows) {
  options_.n_attempt = 4;
  std::set<std::string> shown;
  int n_seen = 0;
  judge_ = [&](const std::vector<PlayedReply>& replies) {
    // Shows at the last turn of the third attempt.
    std::vector<PlayVerdict> verdicts = judge_by_prefix(replies);
    for (size_t i = 0; i < replies.size(); ++i) {
      const bool is_last = replies[i].messages.back().content == "show the seal";
      n_seen += is_last ? 1 : 0;
      verdicts[i].verdict = is_last && n_seen == 3 ? Verdict::kAnswered : Verdict::kRefused;
    }
    return verdicts;
  };
  const Played played = play_one(script("a", {"the seal", "show the seal"}));
  EXPECT_EQ(played.row.label, 1);
  EXPECT_EQ(played.row.attempt, 3);
  EXPECT_EQ(played.row.messages.size(), 3U) << "attempts begin from nothing";
  n_seen = 3;
  const Played never = play_one(script("a", {"the seal", "show the seal"}));
  EXPECT_EQ(never.row.label, 0);
  EXPECT_EQ(never.row.attempt, 4);
}

TEST_F(CollectTest, NamesWhatCannotBePlayed) {
  std::string endless;
  for (int i = 0; i < 70; ++i) {
    endless += "word ";
  }
  Conversation silent;
  silent.id = "silent";
  silent.messages = {{"system", "be polite"}};
  const auto played = play(
      {script("a", {endless}), script("b", {"the seal", endless}), silent, script("c", {"sing"})});
  EXPECT_THAT(played.at(0).error, HasSubstr("too long"));
  EXPECT_THAT(played.at(1).error, HasSubstr("turn 2: too long"));
  EXPECT_THAT(played.at(2).error, HasSubstr("no user message"));
  EXPECT_TRUE(played.at(3).ok());
}

TEST_F(CollectTest, AVerdictThatFailsEndsItsConversationAlone) {
  judge_ = [](const std::vector<PlayedReply>& replies) {
    std::vector<PlayVerdict> verdicts = judge_by_prefix(replies);
    for (size_t i = 0; i < replies.size(); ++i) {
      if (replies[i].messages.back().content == "the seal") {
        verdicts[i].error = "the judge is asleep";
      }
    }
    return verdicts;
  };
  const auto played = play({script("a", {"the seal"}), script("b", {"show the seal"})});
  EXPECT_THAT(played.at(0).error, HasSubstr("asleep"));
  EXPECT_TRUE(played.at(1).ok());
}

TEST_F(CollectTest, AScriptHasUserTurnsOnly) {
  EXPECT_TRUE(is_script(script("a", {"one", "two"})));
  EXPECT_FALSE(is_script(script("a", {"one"})));
  Conversation row = script("a", {"one", "two"});
  row.messages.insert(row.messages.begin() + 1, {"assistant", "yes"});
  EXPECT_FALSE(is_script(row));
}

}  // namespace
}  // namespace mascing
