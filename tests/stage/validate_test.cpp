// Cross-validation: what it finds where the label is planted, where only length or topic tells it,
// and where nothing does.
#include "mascing/validate.h"

#include <algorithm>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/warning_ids.h"
#include "stage/fold_split.h"
#include "stage/steer_fixtures.h"

namespace mascing {
namespace {

ValidationOptions quick() {
  ValidationOptions options;
  options.train.n_batch = 32;
  options.train.n_epoch = 8;
  options.n_fold = 4;
  return options;
}

/// Noise of 1 layer of 4 experts; length and topic follow the label as asked.
TraceSet noise(int64_t n_trace, bool length_tells, bool topic_tells) {
  Rng rng(3);
  TraceSetBuilder builder(1, 4);
  for (int64_t i = 0; i < n_trace; ++i) {
    const int label = static_cast<int>(i % 2);
    const int64_t n_token = length_tells ? 3 + 4 * label : 3 + rng.below(5);
    const int64_t topic = topic_tells ? i % 8 : i / 8;
    builder.add(label,
                nn::random_values<float>(n_token * 4, 100 + i),
                std::string("t").append(std::to_string(topic)));
  }
  return builder.build();
}

TEST(CrossValidate, FindsAPlantedLabelAndNoConfound) {
  const TraceSet set = planted_traces(240, 3, 8, {1, 5, 0.7}, 1);
  const ValidationReport report = cross_validate(set, quick());
  EXPECT_EQ(report.n_trace, 240);
  EXPECT_EQ(report.probabilities.size(), 240U);
  EXPECT_TRUE(report.is_by_topic);
  EXPECT_GT(report.surrogate.auc, 0.9);
  EXPECT_LE(report.surrogate.low, report.surrogate.auc);
  EXPECT_GE(report.surrogate.high, report.surrogate.auc);
  EXPECT_GT(report.surrogate.low, 0.85);
  EXPECT_LT(report.length_auc, 0.6);
  EXPECT_LT(report.topic_auc, 0.65);
  EXPECT_NEAR(report.majority_accuracy, 0.5, 1e-12);
  EXPECT_GT(report.accuracy, 0.8);
  EXPECT_THAT(warning_ids(report.warnings),
              testing::Not(testing::Contains("surrogate_no_better_than_length")));
  EXPECT_THAT(warning_ids(report.warnings), testing::Not(testing::Contains("surrogate_at_chance")));
}

TEST(CrossValidate, BinsHoldEveryPredictionOnce) {
  const ValidationReport report = cross_validate(planted_traces(80, 2, 4, {1, 1, 0.3}, 2), quick());
  ASSERT_EQ(report.bins.size(), 10U);
  int64_t n = 0;
  double n_hit = 0.0;
  for (size_t i = 0; i < report.bins.size(); ++i) {
    const CalibrationBin& bin = report.bins[i];
    n += bin.n;
    n_hit += bin.rate * static_cast<double>(bin.n);
    if (bin.n > 0) {
      EXPECT_GE(bin.mean_probability, 0.1 * static_cast<double>(i) - 1e-6);
      EXPECT_LE(bin.mean_probability, 0.1 * static_cast<double>(i + 1) + 1e-6);
    }
  }
  EXPECT_EQ(n, 80);
  EXPECT_NEAR(n_hit, 40.0, 1e-9);
  EXPECT_LE(report.calibration_error, 1.0);
}

TEST(CrossValidate, WarnsWhereNothingTellsTheLabel) {
  const ValidationReport report = cross_validate(noise(160, false, false), quick());
  EXPECT_LT(report.surrogate.low, 0.5);
  EXPECT_GT(report.surrogate.high, 0.5);
  EXPECT_THAT(warning_ids(report.warnings), testing::Contains("surrogate_at_chance"));
}

TEST(CrossValidate, WarnsWhereLengthTellsTheLabel) {
  const ValidationReport report = cross_validate(noise(160, true, false), quick());
  EXPECT_DOUBLE_EQ(report.length_auc, 1.0);
  EXPECT_THAT(warning_ids(report.warnings), testing::Contains("surrogate_no_better_than_length"));
}

TEST(CrossValidate, WarnsWhereTheTopicTellsTheLabel) {
  const ValidationReport report = cross_validate(noise(160, false, true), quick());
  EXPECT_GT(report.topic_auc, 0.99);
  EXPECT_THAT(warning_ids(report.warnings), testing::Contains("surrogate_no_better_than_topic"));
}

TEST(CrossValidate, WarnsOfASaturatedSurrogate) {
  ValidationOptions options = quick();
  options.train.n_epoch = 40;
  const ValidationReport report =
      cross_validate(planted_traces(160, 2, 4, {1, 1, 8.0}, 4), options);
  EXPECT_DOUBLE_EQ(report.surrogate.auc, 1.0);
  EXPECT_LT(report.surrogate.low, 1.0);  // never quite sure
  EXPECT_GT(report.saturated_share, 0.9);
  EXPECT_THAT(warning_ids(report.warnings), testing::Contains("surrogate_saturated"));
}

TEST(CrossValidate, IsReproducible) {
  const TraceSet set = planted_traces(60, 2, 4, {1, 1, 0.5}, 5);
  const ValidationReport first = cross_validate(set, quick());
  const ValidationReport second = cross_validate(set, quick());
  EXPECT_EQ(first.probabilities, second.probabilities);
  EXPECT_EQ(first.surrogate.low, second.surrogate.low);
  ValidationOptions other = quick();
  other.train.seed = 9;
  EXPECT_NE(cross_validate(set, other).probabilities, first.probabilities);
}

TEST(CrossValidate, IgnoresTracesWithoutALabelAndRefusesTooFew) {
  TraceSet set = planted_traces(60, 2, 4, {1, 1, 0.5}, 6);
  const ValidationReport all = cross_validate(set, quick());
  set.traces.push_back(set.traces[0]);
  set.traces.back().label = -1;
  EXPECT_EQ(cross_validate(set, quick()).probabilities, all.probabilities);
  set.traces.resize(6);
  EXPECT_EQ(error_kind([&] { static_cast<void>(cross_validate(set, quick())); }),
            ErrorKind::kInsufficient);
  ValidationOptions options;
  options.n_fold = 1;
  EXPECT_EQ(error_kind([&] { static_cast<void>(cross_validate(set, options)); }),
            ErrorKind::kUsage);
}

TEST(SplitFolds, KeepTopicsTogetherAndClassesApart) {
  const TraceSet set = planted_traces(120, 1, 2, {0, 1, 1.0}, 7);
  const FoldSplit split = split_folds(set, first_traces(120), 5, 1);
  EXPECT_TRUE(split.is_by_topic);
  std::map<std::string, std::set<int64_t>> folds_of_topic;
  std::vector<int64_t> n_positive(5, 0);
  std::vector<int64_t> n_all(5, 0);
  for (size_t i = 0; i < 120; ++i) {
    folds_of_topic[set.traces[i].topic].insert(split.fold_of[i]);
    ++n_all[split.fold_of[i]];
    n_positive[split.fold_of[i]] += set.traces[i].label;
  }
  for (const auto& [topic, folds] : folds_of_topic) {
    EXPECT_EQ(folds.size(), 1U) << topic;
  }
  EXPECT_THAT(n_all, testing::Each(24));
  EXPECT_THAT(n_positive, testing::Each(12));
}

TEST(SplitFolds, FallBackToConversationsWhereATopicHoldsAWholeClass) {
  TraceSetBuilder builder(1, 2);
  for (int i = 0; i < 20; ++i) {
    builder.add(i % 2, {0.0F, 1.0F}, i % 2 == 0 ? "safe" : "attack");
  }
  const FoldSplit split = split_folds(builder.build(), first_traces(20), 4, 1);
  EXPECT_FALSE(split.is_by_topic);
}

}  // namespace
}  // namespace mascing
