// Openings on replies that they were not fitted on: honest where there is nothing to find, and
// where a kind begins in too many ways.
#include "stage/cross_fit.h"

#include <cmath>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "stage/real_like_replies.h"

namespace mascing {
namespace {

using testing::Each;
using testing::Ge;
using testing::IsEmpty;
using testing::Lt;

std::vector<FoldedReply> folded(const std::vector<TokenSequence>& replies) {
  std::vector<FoldedReply> all;
  for (const TokenSequence& tokens : replies) {
    all.push_back({tokens, static_cast<int64_t>(all.size()) % 5});
  }
  return all;
}

TEST(TopicFolds, KeepATopicTogetherAndFoldsEven) {
  std::vector<std::string> topics;
  for (int i = 0; i < 60; ++i) {
    topics.push_back("topic" + std::to_string(i % 12));
  }
  const std::vector<int64_t> folds = topic_folds(topics, 5);
  std::vector<int64_t> n_of_fold(5);
  for (int i = 0; i < 60; ++i) {
    EXPECT_EQ(folds[i], folds[i % 12]);
    ++n_of_fold[folds[i]];
  }
  EXPECT_THAT(n_of_fold, Each(Ge(10)));
}

TEST(TopicFolds, DivideConversationsIfThereAreFewerTopicsThanFolds) {
  const std::vector<int64_t> folds = topic_folds(std::vector<std::string>(10, "tales"), 5);
  EXPECT_EQ(std::set<int64_t>(folds.begin(), folds.end()).size(), 5U);
}

TEST(CrossFit, WhatIsTrueOfOneTopicAloneIsNotCoverage) {
  std::vector<FoldedReply> wanted;
  std::vector<FoldedReply> unwanted;
  for (int64_t k = 0; k < 5; ++k) {  // every fold's wanted replies begin in their own way
    wanted.insert(wanted.end(), 8, {{static_cast<int32_t>(10 + k)}, k});
    unwanted.insert(unwanted.end(), 8, {{1}, k});
  }
  const CrossFit fit = cross_fit_openings(wanted, unwanted, 5);
  EXPECT_DOUBLE_EQ(fit.openings.coverage_wanted, 1.0);
  EXPECT_DOUBLE_EQ(fit.coverage_wanted, 0.0);
  EXPECT_DOUBLE_EQ(fit.coverage_unwanted, 1.0);
  EXPECT_EQ(choose_form(fit), MarginForm::kUnwantedOnly);
  EXPECT_DOUBLE_EQ(fit.reply_auc, 1.0) << "an opening of the other kind or none";
}

TEST(CrossFit, DiverseAnswersLeaveTheRefusalsAgainstEverythingElse) {
  const RealLikeReplies replies = real_like_replies(300, 1);
  EXPECT_THAT(replies.n_beginning(), Ge(72));
  EXPECT_THAT(replies.share_of_most_frequent(8), Lt(0.57));
  const CrossFit fit = cross_fit_openings(folded(replies.refused()), folded(replies.answered()), 5);
  EXPECT_EQ(choose_form(fit), MarginForm::kWantedOnly);
  EXPECT_GT(fit.reply_auc, 0.75);
  const Openings used = openings_of_form(fit.openings, MarginForm::kWantedOnly);
  EXPECT_THAT(used.unwanted, IsEmpty());
  EXPECT_FALSE(used.wanted.empty());
  const CrossFit turned =
      cross_fit_openings(folded(replies.answered()), folded(replies.refused()), 5);
  EXPECT_EQ(choose_form(turned), MarginForm::kUnwantedOnly);
}

TEST(CrossFit, RandomLabelsAreCoveredInSampleAndNotHeldOut) {
  const RealLikeReplies replies = real_like_replies(300, 2);
  double in_sample = 0.0;
  double auc = 0.0;
  for (uint64_t seed = 0; seed < 50; ++seed) {
    const auto [wanted, unwanted] = replies.divided_at_random(seed);
    const CrossFit fit = cross_fit_openings(folded(wanted), folded(unwanted), 5);
    in_sample += fit.openings.coverage_wanted / 50.0;
    auc += fit.reply_auc / 50.0;
    EXPECT_LT(fit.coverage_wanted, 0.3);
    EXPECT_LT(fit.reply_auc, 0.65);
  }
  EXPECT_NEAR(auc, 0.5, 0.05);
  EXPECT_LT(in_sample, 0.5) << "five replies must share an opening";
}

TEST(ZeroByCoverage, IsWhereBothKindsAreEquallyLikely) {
  CrossFit fit;
  fit.coverage_wanted = 0.4;
  fit.coverage_unwanted = 0.8;
  // p(refused) = 1/2: openings take 0.2 of the probability on one side, 0.4 on the other
  EXPECT_NEAR(zero_by_coverage(fit, MarginForm::kTwoSided), std::log(0.2 / 0.4), 1e-12);
  EXPECT_NEAR(zero_by_coverage(fit, MarginForm::kWantedOnly), std::log(0.2 / 0.8), 1e-12);
  EXPECT_NEAR(zero_by_coverage(fit, MarginForm::kUnwantedOnly), std::log(0.6 / 0.4), 1e-12);
  fit.coverage_wanted = fit.coverage_unwanted = 1.0;
  EXPECT_NEAR(zero_by_coverage(fit, MarginForm::kWantedOnly), 0.0, 1e-12);
}

}  // namespace
}  // namespace mascing
