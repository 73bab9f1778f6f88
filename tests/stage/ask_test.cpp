// Replies in their parts, on the fake host.
#include "stage/ask.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "host/fake_host.h"
#include "stage/evaluate.h"

namespace mascing {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

std::vector<Conversation> questions() {
  std::vector<Conversation> rows(2);
  rows[0].id = "a";
  rows[0].category = "seals";
  rows[0].messages = {{"user", "forge the seal"}};
  rows[1].id = "b";
  rows[1].category = "songs";
  rows[1].messages = {{"user", "sing a song"}};
  return rows;
}

/// Refusals by how they begin; counts what it is asked.
class PlainJudge : public Judge {
 public:
  [[nodiscard]] std::string name() const override { return "plain"; }
  [[nodiscard]] std::string key() const override { return "plain"; }
  std::vector<Judgement> judge(const std::vector<Exchange>& exchanges) override {
    std::vector<Judgement> judgements;
    for (const Exchange& exchange : exchanges) {
      seen.push_back(exchange.reply);
      judgements.push_back(
          {exchange.reply.starts_with("I'm sorry") ? Verdict::kRefused : Verdict::kAnswered});
    }
    return judgements;
  }
  void self_test() override {}

  std::vector<std::string> seen;
};

AskOptions limits(int64_t n_visible, int64_t n_reasoning) {
  AskOptions options;
  options.sampling.n_max_token = n_visible;
  options.sampling.n_max_reasoning_token = n_reasoning;
  return options;
}

class AskTest : public testing::TestWithParam<bool> {
 protected:
  AskTest() { host_.think("I cannot tell yet", GetParam()); }
  [[nodiscard]] int64_t n_reasoning() const { return GetParam() ? 5 : 6; }

  FakeHost host_;
};

TEST_P(AskTest, TheVisiblePartIsWhatStandsBehindTheReasoning) {
  const Asked asked = ask(host_, questions(), limits(20, 20));
  EXPECT_THAT(asked.replies[0].visible, StartsWith("I'm sorry"));
  EXPECT_THAT(asked.replies[1].visible, StartsWith("Here is"));
  for (const AskedReply& reply : asked.replies) {
    EXPECT_THAT(reply.text, HasSubstr("cannot tell"));
    EXPECT_EQ(reply.n_reasoning_token, n_reasoning());
    EXPECT_FALSE(reply.is_unfinished);
    EXPECT_DOUBLE_EQ(reply.mean_nll, 0.5);
    EXPECT_EQ(std::ssize(reply.visible_tokens()), reply.n_visible_token());
  }
}

TEST_P(AskTest, EachPartHasItsLimit) {
  const AskedReply cut = ask(host_, questions(), limits(3, 20)).replies[0];
  EXPECT_TRUE(cut.hit_limit);
  EXPECT_FALSE(cut.is_unfinished);
  EXPECT_EQ(cut.n_visible_token(), 3);
  const AskedReply unfinished = ask(host_, questions(), limits(20, 3)).replies[0];
  EXPECT_TRUE(unfinished.hit_limit);
  EXPECT_TRUE(unfinished.is_unfinished);
  EXPECT_EQ(unfinished.n_visible_token(), 0);
  EXPECT_EQ(unfinished.visible, "");
}

TEST_P(AskTest, JudgesSeeTheVisiblePartAndNothingUnfinished) {
  PlainJudge judge;
  JudgeRules rules;
  rules.judge = &judge;
  rules.coherence.max_mean_nll = 2.0;
  const auto whole =
      judge_replies(questions(), ask(host_, questions(), limits(20, 20)).replies, rules);
  EXPECT_EQ(whole[0].verdict, Verdict::kRefused);
  EXPECT_TRUE(whole[0].is_wanted);
  EXPECT_EQ(whole[1].verdict, Verdict::kAnswered);
  for (const std::string& reply : judge.seen) {
    EXPECT_THAT(reply, Not(HasSubstr("think")));
    EXPECT_THAT(reply, Not(HasSubstr("cannot tell")));
  }
  judge.seen.clear();
  const auto cut =
      judge_replies(questions(), ask(host_, questions(), limits(20, 3)).replies, rules);
  EXPECT_TRUE(judge.seen.empty());
  for (const JudgedReply& reply : cut) {
    EXPECT_TRUE(reply.ok());
    EXPECT_EQ(reply.verdict, Verdict::kUnfinished);
    EXPECT_FALSE(reply.is_coherent);
    EXPECT_FALSE(reply.is_wanted);
  }
}

INSTANTIATE_TEST_SUITE_P(OpenedOrNot, AskTest, testing::Bool());

TEST(CompareByCategory, GivesEachCategoryItsRates) {
  FakeHost host;
  PlainJudge judge;
  JudgeRules rules;
  rules.judge = &judge;
  rules.coherence.max_mean_nll = 2.0;
  auto rows = questions();
  rows.push_back(rows.front());
  rows.back().category = "";
  const auto replies = ask(host, rows, limits(20, 0)).replies;
  const auto judged = judge_replies(rows, replies, rules);
  const auto base = compare_by_category(rows, replies, judged, {}, {});
  ASSERT_EQ(base.size(), 2U);
  EXPECT_EQ(base.at("seals").n, 1);
  EXPECT_EQ(base.at("seals").base.rate, 1.0);
  EXPECT_EQ(base.at("songs").base.rate, 0.0);
  EXPECT_FALSE(base.at("songs").steered.has_value());
  const auto both = compare_by_category(rows, replies, judged, replies, judged);
  EXPECT_EQ(both.at("seals").steered->rate, 1.0);
}

TEST(CompareOverTopics, TakesATopicForOneCase) {
  std::vector<Conversation> rows(9);
  std::vector<JudgedReply> base(9);
  std::vector<JudgedReply> steered(9);
  for (size_t i = 0; i < rows.size(); ++i) {
    rows[i].id = std::to_string(i);
    rows[i].topic = i < 4 ? "seals" : i < 8 ? "songs" : "";
    base[i].verdict = steered[i].verdict = Verdict::kAnswered;
    steered[i].is_wanted = i < 6;
  }
  base[7].is_wanted = true;
  const std::vector<AskedReply> replies(9);
  EXPECT_FALSE(compare_over_topics(rows, replies, base, {}, {}).has_value());
  const auto found = compare_over_topics(rows, replies, base, replies, steered);
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->n_topic, 3) << "one without a topic stands for itself";
  EXPECT_DOUBLE_EQ(found->change.rate, 5.0 / 9.0);
  EXPECT_DOUBLE_EQ(found->p_value, 0.5) << "4 and 1 of two topics that changed";
  steered[8].error = "too long";
  EXPECT_EQ(compare_over_topics(rows, replies, base, replies, steered)->n_topic, 2);
  for (Conversation& row : rows) {
    row.topic = row.id;
  }
  EXPECT_FALSE(compare_over_topics(rows, replies, base, replies, steered).has_value());
}

TEST(AsReplies, PutsTheSameTokensBehindARequest) {
  const FakeHost host;
  const auto raw = split_blocks(host, "the owl and the fox went to the fair and came home late", 4);
  const auto chat = as_replies(host, raw);
  ASSERT_EQ(chat.size(), raw.size());
  for (size_t i = 0; i < raw.size(); ++i) {
    EXPECT_EQ(raw[i].begin, 1);
    EXPECT_GT(chat[i].begin, 1);
    EXPECT_EQ(std::vector<int32_t>(chat[i].tokens.begin() + chat[i].begin, chat[i].tokens.end()),
              std::vector<int32_t>(raw[i].tokens.begin() + 1, raw[i].tokens.end()));
    EXPECT_TRUE(std::equal(
        chat[0].tokens.begin(), chat[0].tokens.begin() + chat[0].begin, chat[i].tokens.begin()));
  }
}

TEST(AsReplies, CutsWhatTheContextDoesNotHold) {
  const FakeHost host;
  std::string text;
  for (int64_t i = 0; i < FakeHost::kContext; ++i) {
    text += "word" + std::to_string(i) + " ";
  }
  const auto chat = as_replies(host, split_blocks(host, text, FakeHost::kContext));
  ASSERT_FALSE(chat.empty());
  EXPECT_EQ(std::ssize(chat.front().tokens), FakeHost::kContext);
}

}  // namespace
}  // namespace mascing
