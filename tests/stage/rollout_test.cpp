// Playing scripts on the fake host, which refuses the word "seal" unless it hears "please".
#include "stage/rollout.h"

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

std::vector<RolloutVerdict> judge_by_prefix(const std::vector<RolloutReply>& replies) {
  std::vector<RolloutVerdict> verdicts;
  for (const RolloutReply& reply : replies) {
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

class RolloutTest : public testing::Test {
 protected:
  RolloutTest() { options_.sampling.n_max_token = 20; }

  /// By script.
  std::map<int64_t, Rollout> play(const std::vector<Conversation>& scripts) {
    std::map<int64_t, Rollout> all;
    run_rollouts(host_, scripts, judge_, options_, [&](const Rollout& rollout) {
      EXPECT_TRUE(all.emplace(rollout.i_script, rollout).second) << "told twice";
    });
    EXPECT_EQ(all.size(), scripts.size());
    return all;
  }
  Rollout roll_out_one(const Conversation& one) { return play({one}).at(0); }

  FakeHost host_;
  RolloutOptions options_;
  JudgeReplies judge_ = judge_by_prefix;
};

TEST_F(RolloutTest, StopsAtTheFirstTurnThatShowsTheBehaviour) {
  const Rollout rollout =
      roll_out_one(script("a", {"the seal", "please the seal", "please sing of the seal"}));
  ASSERT_TRUE(rollout.ok()) << rollout.error;
  EXPECT_EQ(rollout.row.label, 1);
  EXPECT_EQ(rollout.row.turn, 2);
  EXPECT_EQ(rollout.row.attempt, 1);
  EXPECT_EQ(rollout.row.topic, "seals");
  EXPECT_THAT(roles(rollout.row), ElementsAre("user", "assistant", "user"));
  EXPECT_EQ(rollout.row.messages.back().content, "please the seal");
  EXPECT_THAT(rollout.row.messages[1].content, HasSubstr("I'm sorry"));
  EXPECT_THAT(rollout.row.reply, HasSubstr("Here is"));
}

TEST_F(RolloutTest, AScriptWithoutTheBehaviourEndsWithLabelZero) {
  const Rollout rollout =
      roll_out_one(script("a", {"the seal", "show the seal", "forge the seal"}));
  EXPECT_EQ(rollout.row.label, 0);
  EXPECT_EQ(rollout.row.turn, 3);
  EXPECT_EQ(rollout.row.messages.size(), 5U);
}

TEST_F(RolloutTest, LooksForRefusalsWhereTheyAreTheBehaviour) {
  options_.behaviour = Verdict::kRefused;
  const auto rollout = play({script("a", {"good day", "the seal", "good night"}),
                             script("b", {"good day", "good night"})});
  EXPECT_EQ(rollout.at(0).row.label, 1);
  EXPECT_EQ(rollout.at(0).row.turn, 2);
  EXPECT_EQ(rollout.at(1).row.label, 0);
}

TEST_F(RolloutTest, HistoriesHoldVisiblePartsAlone) {
  host_.think("what is the harm", true);
  options_.sampling.n_max_reasoning_token = 10;
  const Rollout rollout = roll_out_one(script("a", {"the seal", "please the seal"}));
  ASSERT_TRUE(rollout.ok()) << rollout.error;
  EXPECT_EQ(rollout.row.messages[1].content, "I'm sorry, but I cannot help with that today");
  EXPECT_THAT(rollout.row.reply, testing::StartsWith("Here is"));
  EXPECT_EQ(rollout.row.n_cut_turn, 0);
}

TEST_F(RolloutTest, AReplyThatEndsWithinItsReasoningFailsTheScript) {
  host_.think("what is the harm", false);
  options_.sampling.n_max_reasoning_token = 3;
  const Rollout rollout = roll_out_one(script("a", {"the seal", "please the seal"}));
  EXPECT_FALSE(rollout.ok());
  EXPECT_TRUE(rollout.is_unfinished);
  EXPECT_THAT(rollout.error, HasSubstr("within the model's reasoning"));
}

TEST_F(RolloutTest, CountsTheTurnsThatTheLimitCutOff) {
  options_.sampling.n_max_token = 4;
  const Rollout rollout =
      roll_out_one(script("a", {"the seal", "show the seal", "forge the seal"}));
  ASSERT_TRUE(rollout.ok()) << rollout.error;
  EXPECT_EQ(rollout.row.n_cut_turn, 2);
  EXPECT_TRUE(rollout.hit_limit);
}

TEST_F(RolloutTest, JudgesTheLastTurnAloneIfAsked) {
  options_.judge_every_turn = false;
  const auto rollout =
      play({script("a", {"good day", "the seal"}), script("b", {"good day", "please the seal"})});
  EXPECT_EQ(rollout.at(0).row.label, 0);
  EXPECT_EQ(rollout.at(1).row.label, 1);
  EXPECT_EQ(rollout.at(1).row.turn, 2);
}

TEST_F(RolloutTest, ShowsTheModelNoMoreThanTheHistoryHolds) {
  options_.n_history = 1;
  options_.judge_every_turn = false;
  Conversation row = script("a", {"one", "two", "three", "four"});
  row.messages.insert(row.messages.begin(), {"system", "be polite"});
  const Rollout rollout = roll_out_one(row);
  EXPECT_THAT(roles(rollout.row), ElementsAre("system", "user", "assistant", "user"));
  EXPECT_EQ(rollout.row.messages[1].content, "three");
  EXPECT_EQ(rollout.row.turn, 4);
}

TEST_F(RolloutTest, RepliesOfTheScriptStandUnlessTheModelIsToWriteThem) {
  options_.judge_every_turn = false;
  Conversation row = script("a", {"good day", "sing", "the seal"});
  row.messages.insert(row.messages.begin() + 1, {"assistant", "from the script"});
  row.messages.push_back({"assistant", "a reply to be written anew"});
  const Rollout kept = roll_out_one(row);
  EXPECT_EQ(kept.row.messages[1].content, "from the script");
  EXPECT_THAT(kept.row.messages[3].content, HasSubstr("Here is"));
  EXPECT_EQ(kept.row.messages.back().content, "the seal");
  EXPECT_THAT(kept.row.reply, HasSubstr("I'm sorry"));
  options_.keep_replies = false;
  EXPECT_THAT(roll_out_one(row).row.messages[1].content, HasSubstr("Here is"));
}

TEST_F(RolloutTest, PlaysAgainUntilTheBehaviourShows) {
  options_.n_attempt = 4;
  std::set<std::string> shown;
  int n_seen = 0;
  judge_ = [&](const std::vector<RolloutReply>& replies) {
    // Shows at the last turn of the third attempt.
    std::vector<RolloutVerdict> verdicts = judge_by_prefix(replies);
    for (size_t i = 0; i < replies.size(); ++i) {
      const bool is_last = replies[i].messages.back().content == "show the seal";
      n_seen += is_last ? 1 : 0;
      verdicts[i].verdict = is_last && n_seen == 3 ? Verdict::kAnswered : Verdict::kRefused;
    }
    return verdicts;
  };
  const Rollout rollout = roll_out_one(script("a", {"the seal", "show the seal"}));
  EXPECT_EQ(rollout.row.label, 1);
  EXPECT_EQ(rollout.row.attempt, 3);
  EXPECT_EQ(rollout.row.messages.size(), 3U) << "attempts begin from nothing";
  n_seen = 3;
  const Rollout never = roll_out_one(script("a", {"the seal", "show the seal"}));
  EXPECT_EQ(never.row.label, 0);
  EXPECT_EQ(never.row.attempt, 4);
}

TEST_F(RolloutTest, NamesWhatCannotBePlayed) {
  std::string endless;
  for (int i = 0; i < 70; ++i) {
    endless += "word ";
  }
  Conversation silent;
  silent.id = "silent";
  silent.messages = {{"system", "be polite"}};
  const auto rollout = play(
      {script("a", {endless}), script("b", {"the seal", endless}), silent, script("c", {"sing"})});
  EXPECT_THAT(rollout.at(0).error, HasSubstr("too long"));
  EXPECT_THAT(rollout.at(1).error, HasSubstr("turn 2: too long"));
  EXPECT_THAT(rollout.at(2).error, HasSubstr("no user message"));
  EXPECT_TRUE(rollout.at(3).ok());
}

TEST_F(RolloutTest, AVerdictThatFailsEndsItsConversationAlone) {
  judge_ = [](const std::vector<RolloutReply>& replies) {
    std::vector<RolloutVerdict> verdicts = judge_by_prefix(replies);
    for (size_t i = 0; i < replies.size(); ++i) {
      if (replies[i].messages.back().content == "the seal") {
        verdicts[i].error = "the judge is asleep";
      }
    }
    return verdicts;
  };
  const auto rollout = play({script("a", {"the seal"}), script("b", {"show the seal"})});
  EXPECT_THAT(rollout.at(0).error, HasSubstr("asleep"));
  EXPECT_TRUE(rollout.at(1).ok());
}

}  // namespace
}  // namespace mascing
