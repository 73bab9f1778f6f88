#include "stage/agreement.h"

#include <gtest/gtest.h>

namespace mascing {
namespace {

constexpr Verdict kNo = Verdict::kRefused;
constexpr Verdict kYes = Verdict::kAnswered;

// The worked example of the literature: 20 and 15 agreements, 5 and 10 disagreements of 50.
TEST(CohenKappa, IsAgreementBeyondChance) {
  std::vector<std::pair<Verdict, Verdict>> pairs;
  pairs.insert(pairs.end(), 20, {kYes, kYes});
  pairs.insert(pairs.end(), 5, {kYes, kNo});
  pairs.insert(pairs.end(), 10, {kNo, kYes});
  pairs.insert(pairs.end(), 15, {kNo, kNo});
  EXPECT_NEAR(cohen_kappa(pairs).value(), 0.4, 1e-12);
}

TEST(CohenKappa, IsOneForTwinsMinusOneForOppositesAndNothingForOneWord) {
  EXPECT_DOUBLE_EQ(cohen_kappa({{kNo, kNo}, {kYes, kYes}}).value(), 1.0);
  EXPECT_DOUBLE_EQ(cohen_kappa({{kNo, kYes}, {kYes, kNo}}).value(), -1.0);
  EXPECT_DOUBLE_EQ(cohen_kappa({{kNo, kYes}, {kNo, kNo}}).value(), 0.0);
  EXPECT_FALSE(cohen_kappa({{kNo, kNo}, {kNo, kNo}}).has_value());
  EXPECT_FALSE(cohen_kappa({}).has_value());
}

TEST(AgreementCount, ListsWhatJudgesSeeDifferently) {
  AgreementCount count;
  std::vector<AskedReply> replies(3);
  std::vector<JudgedReply> judged(3);
  for (size_t i = 0; i < 3; ++i) {
    replies[i].id = std::string("r").append(std::to_string(i));
    judged[i].opinions = {{"a", kNo}, {"b", i == 1 ? kYes : kNo}};
  }
  judged[2].opinions.pop_back();  // b was not asked
  count.add("dsr", "base", replies, judged);
  JudgesResult result;
  count.write(result);
  ASSERT_EQ(result.agreement.size(), 1U);
  EXPECT_EQ(result.agreement[0].n, 2);
  EXPECT_EQ(result.agreement[0].n_agreed, 1);
  EXPECT_EQ(result.n_disagreement, 1);
  ASSERT_EQ(result.disagreements.size(), 1U);
  EXPECT_EQ(result.disagreements[0].id, "r1");
  EXPECT_EQ(result.disagreements[0].verdicts.at("b"), "answered");
  count.add({"", "p1", "played", "It is so.", {}}, {{"a", kYes}, {"b", kNo}});
  count.write(result);
  EXPECT_EQ(result.agreement[0].n, 3);
  ASSERT_EQ(result.disagreements.size(), 2U);
  EXPECT_EQ(result.disagreements[1].reply, "It is so.");
  EXPECT_EQ(result.disagreements[1].verdicts.at("a"), "answered");
}

}  // namespace
}  // namespace mascing
