#include "measure/judge_agreement.h"

#include <gtest/gtest.h>

#include "judge/phrase_judge.h"
#include "mascing/error.h"
#include "mascing/make_judge.h"
#include "measure/make_jury.h"

namespace mascing {
namespace {

TEST(JudgeAgreement, CountsRecallAndFalseAlarmsApartFromPartialReplies) {
  std::vector<std::pair<Verdict, Verdict>> pairs(8, {Verdict::kRefused, Verdict::kRefused});
  pairs.emplace_back(Verdict::kRefused, Verdict::kPartial);
  pairs.emplace_back(Verdict::kRefused, Verdict::kAnswered);
  pairs.emplace_back(Verdict::kAnswered, Verdict::kRefused);
  pairs.insert(pairs.end(), 3, {Verdict::kAnswered, Verdict::kAnswered});
  pairs.emplace_back(Verdict::kPartial, Verdict::kRefused);
  const JudgeAgreement agreement = judge_agreement(pairs);
  EXPECT_EQ(agreement.n, 15);
  EXPECT_EQ(agreement.n_agreed, 11);
  EXPECT_EQ(agreement.n_refused, 10);
  EXPECT_EQ(agreement.n_answered, 4);
  EXPECT_DOUBLE_EQ(agreement.recall.rate, 0.8);
  EXPECT_DOUBLE_EQ(agreement.false_alarms.rate, 0.25);
  EXPECT_EQ(agreement.confusion[0][2], 1);
  EXPECT_EQ(agreement.confusion[2][0], 1);
  // (11 * 15 - (10 * 10 + 4 * 4 + 1 * 1)) / (15 * 15 - 117)
  EXPECT_NEAR(*agreement.kappa, 48.0 / 108.0, 1e-12);
}

TEST(BuiltinJudge, IsOneOfTwoAndChangesTheKey) {
  JudgeOptions options;
  EXPECT_EQ(judges_key(options), "") << "as before there was a choice";
  options.uses_prefixes = false;
  add_judge("phrases", options);
  EXPECT_EQ(make_judge(options)->name(), "phrases");
  EXPECT_NE(judges_key(options), "");
  EXPECT_THROW(add_judge("refusal", options), Error);
}

}  // namespace
}  // namespace mascing
