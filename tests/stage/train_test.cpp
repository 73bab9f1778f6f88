// Fitting the surrogate: what it learns, what it refuses, how it splits, and that it can be
// repeated.
#include "mascing/train.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <set>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mascing/error.h"
#include "nn/surrogate_layout.h"
#include "stage/numeric_traces.h"
#include "stage/train_split.h"

namespace mascing {
namespace {

using testing::HasSubstr;

/// The error that `work` throws.
Error error_of(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    return error;
  }
  return {ErrorKind::kInterrupted, "no error was thrown"};
}

Error train_error(const TraceSet& set, const TrainOptions& options = {}) {
  return error_of([&] { static_cast<void>(train_surrogate(set, options)); });
}

std::vector<float> tokens(int64_t n_token, int64_t size, float value = 0.5F) {
  std::vector<float> z(n_token * size);
  for (size_t i = 0; i < z.size(); ++i) {
    z[i] = value * static_cast<float>(i % 7);
  }
  return z;
}

TEST(TrainSurrogate, LearnsALabelPlantedInOneExpert) {
  const TraceSet set = planted_traces(400, 3, 8, {}, 1);
  TrainOptions options;
  options.n_batch = 64;
  const TrainResult result = train_surrogate(set, options);
  EXPECT_GT(result.report.validation_accuracy, 0.95);
  EXPECT_GT(result.report.validation_auc, 0.98);
  EXPECT_LT(result.report.length_auc, 0.6);
  EXPECT_NEAR(result.report.majority_accuracy, 0.5, 0.05);
  EXPECT_EQ(result.report.epochs.size(), 15U);
  EXPECT_EQ(result.report.best_epoch, 14);
  EXPECT_EQ(result.report.n_train + result.report.n_validation, 400);
  EXPECT_NEAR(static_cast<double>(result.report.n_validation), 80.0, 6.0);
  const std::vector<float> probabilities = predict(result.surrogate, set);
  int64_t n_right = 0;
  for (size_t i = 0; i < probabilities.size(); ++i) {
    n_right += (probabilities[i] > 0.5F) == (set.traces[i].label == 1) ? 1 : 0;
  }
  EXPECT_GT(n_right, 380);
}

TEST(TrainSurrogate, IsReproducibleForEachThreadCountAndAgreesBetweenThem) {
  const TraceSet set = planted_traces(80, 3, 8, {}, 2);
  TrainOptions options;
  options.n_epoch = 4;
  options.n_batch = 16;
  TrainOptions two = options;
  two.n_thread = 2;
  const std::vector<float> first = train_surrogate(set, options).surrogate.values;
  const std::vector<float> first_two = train_surrogate(set, two).surrogate.values;
  EXPECT_EQ(first, train_surrogate(set, options).surrogate.values);
  EXPECT_EQ(first_two, train_surrogate(set, two).surrogate.values);
  const Surrogate one = {{3, 8, 16, 64}, first};
  const std::vector<float> by_one = predict(one, set, 1);
  const std::vector<float> by_two = predict({one.shape, first_two}, set, 2);
  for (size_t i = 0; i < by_one.size(); ++i) {
    EXPECT_NEAR(by_one[i], by_two[i], 1e-4);
  }
  options.seed = 1;
  EXPECT_NE(first, train_surrogate(set, options).surrogate.values);
}

TEST(TrainSurrogate, KeepsTheBestEpochAndStopsEarlyWithPatience) {
  const TraceSet set = planted_traces(60, 2, 8, {0, 1, 0.05}, 3);  // hardly learnable: it overfits
  TrainOptions options;
  options.n_epoch = 60;
  options.n_patience = 3;
  const TrainReport fit = train_surrogate(set, options).report;
  EXPECT_LT(fit.epochs.size(), 60U);
  EXPECT_EQ(static_cast<int64_t>(fit.epochs.size()), fit.best_epoch + 1 + options.n_patience);
  for (const EpochReport& epoch : fit.epochs) {
    EXPECT_GE(epoch.validation_loss, fit.epochs[fit.best_epoch].validation_loss);
  }
  EXPECT_EQ(fit.validation_accuracy, fit.epochs[fit.best_epoch].validation_accuracy);
}

TEST(TrainSurrogate, IgnoresTracesWithoutALabel) {
  const TraceSet set = planted_traces(40, 2, 8, {}, 4);
  TraceSet with_unlabelled = set;
  TraceView extra = set.traces[3];
  extra.label = -1;
  with_unlabelled.traces.push_back(extra);
  TrainOptions options;
  options.n_epoch = 2;
  EXPECT_EQ(train_surrogate(set, options).surrogate.values,
            train_surrogate(with_unlabelled, options).surrogate.values);
}

TEST(TrainSurrogate, SeesLengthAsAConfound) {
  TraceSetBuilder builder(2, 4);
  for (int64_t i = 0; i < 20; ++i) {
    builder.add(static_cast<int>(i % 2), tokens(i % 2 == 0 ? 9 : 2, 8));
  }
  TrainOptions options;
  options.n_epoch = 1;
  EXPECT_DOUBLE_EQ(train_surrogate(builder.build(), options).report.length_auc, 1.0);
}

TEST(TrainSurrogate, FitsAllTracesIfNothingIsHeldOut) {
  TrainOptions options;
  options.validation_share = 0.0;
  options.n_epoch = 2;
  const TrainReport fit = train_surrogate(planted_traces(20, 2, 8, {}, 5), options).report;
  EXPECT_EQ(fit.n_train, 20);
  EXPECT_EQ(fit.n_validation, 0);
}

TEST(TrainSurrogate, RefusesASingleClassAndSaysHowManyOfEach) {
  TraceSetBuilder builder(2, 4);
  builder.add(1, tokens(3, 8)).add(1, tokens(2, 8)).add(-1, tokens(2, 8));
  const Error error = train_error(builder.build());
  EXPECT_EQ(error.kind(), ErrorKind::kInsufficient);
  EXPECT_THAT(error.what(), HasSubstr("2 traces with label 1 and 0 with label 0"));
  EXPECT_FALSE(error.hint().empty());
  EXPECT_EQ(train_error({}).kind(), ErrorKind::kInsufficient);
}

TEST(TrainSurrogate, RefusesNaNAndInfinityAndNamesTheTrace) {
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(),
                          std::numeric_limits<float>::infinity(),
                          -std::numeric_limits<float>::infinity()}) {
    TraceSetBuilder builder(2, 4);
    std::vector<float> z = tokens(3, 8);
    z[2 * 8 + 4 + 1] = bad;
    builder.add(0, tokens(2, 8)).add(1, z);
    const Error error = train_error(builder.build());
    EXPECT_EQ(error.kind(), ErrorKind::kBadInput);
    EXPECT_THAT(error.what(), HasSubstr("c1"));
    EXPECT_THAT(error.what(), HasSubstr("token 2, layer 1, expert 1"));
  }
}

TEST(TrainSurrogate, RefusesATraceWithoutTokens) {
  TraceSetBuilder builder(2, 4);
  builder.add(0, tokens(2, 8)).add(1, {});
  const Error error = train_error(builder.build());
  EXPECT_EQ(error.kind(), ErrorKind::kBadInput);
  EXPECT_THAT(error.what(), HasSubstr("c1 has no tokens"));
}

TEST(TrainSurrogate, RefusesImpossibleOptions) {
  const TraceSet set = planted_traces(8, 2, 4, {0, 1, 1.0}, 6);
  const std::vector<std::function<void(TrainOptions&)>> mistakes = {
      [](TrainOptions& o) { o.n_hidden = 0; },
      [](TrainOptions& o) { o.n_batch = 0; },
      [](TrainOptions& o) { o.n_thread = 0; },
      [](TrainOptions& o) { o.learning_rate = -1.0; },
      [](TrainOptions& o) { o.validation_share = 1.0; },
      [](TrainOptions& o) { o.validation_share = std::nan(""); },
  };
  for (const auto& mistake : mistakes) {
    TrainOptions options;
    mistake(options);
    EXPECT_EQ(train_error(set, options).kind(), ErrorKind::kUsage);
  }
}

TEST(TrainSurrogate, ReleasesEveryLabelledTraceInEveryPass) {
  TraceSet set = planted_traces(20, 2, 8, {}, 7);
  set.traces[3].label = -1;
  std::map<std::string, int> n_release;
  set.release = [&](const TraceView& trace) { ++n_release[trace.id]; };
  TrainOptions options;
  options.n_epoch = 2;
  static_cast<void>(train_surrogate(set, options));
  EXPECT_EQ(n_release.size(), 19U);
  EXPECT_FALSE(n_release.contains(set.traces[3].id));
  for (const auto& [id, n] : n_release) {
    EXPECT_GE(n, 3) << id;  // the check, and each epoch
  }
}

TEST(TrainSurrogate, ReportsEachEpochAndStopsOnRequest) {
  const TraceSet set = planted_traces(20, 2, 8, {}, 7);
  std::vector<int64_t> done;
  const Error error = error_of([&] {
    static_cast<void>(train_surrogate(set, {}, [&](const ProgressEvent& event) {
      EXPECT_EQ(event.stage, "train");
      EXPECT_EQ(event.unit, "epochs");
      EXPECT_EQ(event.total, 15);
      done.push_back(event.done);
      return event.done < 3;
    }));
  });
  EXPECT_EQ(error.kind(), ErrorKind::kInterrupted);
  EXPECT_THAT(done, testing::ElementsAre(1, 2, 3));
}

TEST(TrainSurrogate, TakesWellUnderASecondOnTheDemosSize) {
  const TraceSet set = planted_traces(600, 6, 16, {}, 8);
  const auto start = std::chrono::steady_clock::now();
  static_cast<void>(train_surrogate(set, {}));
  const double elapsed_s =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  RecordProperty("elapsed_ms", static_cast<int>(1000.0 * elapsed_s));
  EXPECT_LT(elapsed_s, 60.0);  // generous: sanitizers and busy machines run this too
}

TEST(Predict, RefusesTracesOfAnotherShape) {
  const Surrogate surrogate = {{2, 8, 4, 4}, initial_surrogate({2, 8, 4, 4}, 1)};
  const Error error =
      error_of([&] { static_cast<void>(predict(surrogate, planted_traces(4, 3, 8, {}, 1))); });
  EXPECT_EQ(error.kind(), ErrorKind::kMismatch);
  EXPECT_THAT(error.what(), HasSubstr("2 layers of 8 experts"));
}

/// Topics on both sides of a split.
std::set<std::string> shared_topics(const TraceSet& set, const TrainSplit& split) {
  std::set<std::string> train;
  std::set<std::string> shared;
  for (int64_t i_trace : split.train) {
    train.insert(set.traces[i_trace].topic);
  }
  for (int64_t i_trace : split.validation) {
    if (train.contains(set.traces[i_trace].topic)) {
      shared.insert(set.traces[i_trace].topic);
    }
  }
  return shared;
}

bool has_both_classes(const TraceSet& set, const std::vector<int64_t>& traces) {
  std::set<int> labels;
  for (int64_t i_trace : traces) {
    labels.insert(set.traces[i_trace].label);
  }
  return labels.size() == 2;
}

TrainSplit split_all(const TraceSet& set, uint64_t seed = 0) {
  std::vector<int64_t> all;
  for (size_t i = 0; i < set.traces.size(); ++i) {
    all.push_back(static_cast<int64_t>(i));
  }
  return split_for_training(set, all, 0.2, seed);
}

TEST(SplitForTraining, NeverPutsATopicOnBothSides) {
  const TraceSet set = planted_traces(120, 2, 4, {0, 1, 1.0}, 9);
  for (uint64_t seed = 0; seed < 10; ++seed) {
    const TrainSplit split = split_all(set, seed);
    EXPECT_TRUE(split.is_by_topic);
    EXPECT_THAT(shared_topics(set, split), testing::IsEmpty());
    EXPECT_TRUE(has_both_classes(set, split.train));
    EXPECT_TRUE(has_both_classes(set, split.validation));
    EXPECT_EQ(split.validation.size(), 24U);
  }
}

TEST(SplitForTraining, TakesOneOfTwoLargeTopicsRatherThanSplittingThem) {
  TraceSetBuilder builder(1, 2);
  for (int i = 0; i < 20; ++i) {
    builder.add(i % 2, tokens(1, 2), i < 10 ? "a" : "b");
  }
  const TrainSplit split = split_all(builder.build());
  EXPECT_TRUE(split.is_by_topic);
  EXPECT_EQ(split.validation.size(), 10U);
}

TEST(SplitForTraining, FallsBackToConversationsIfTopicsCarryTheLabel) {
  TraceSetBuilder builder(1, 2);
  for (int i = 0; i < 20; ++i) {
    builder.add(i % 2, tokens(1, 2), i % 2 == 0 ? "safe" : "attack");
  }
  const TraceSet set = builder.build();
  const TrainSplit split = split_all(set);
  EXPECT_FALSE(split.is_by_topic);
  EXPECT_TRUE(has_both_classes(set, split.validation));
  EXPECT_EQ(split.validation.size(), 4U);
}

TEST(SplitForTraining, KeepsTheSharesOfRareClasses) {
  TraceSetBuilder builder(1, 2);
  for (int i = 0; i < 100; ++i) {
    builder.add(i < 10 ? 1 : 0, tokens(1, 2));
  }
  const TraceSet set = builder.build();
  const TrainSplit split = split_all(set);
  const auto n_rare =
      std::count_if(split.validation.begin(), split.validation.end(), [&](int64_t i_trace) {
        return set.traces[i_trace].label == 1;
      });
  EXPECT_EQ(n_rare, 2);
  EXPECT_EQ(split.validation.size(), 20U);
}

TEST(SplitForTraining, RefusesAClassWithASingleTrace) {
  TraceSetBuilder builder(1, 2);
  builder.add(1, tokens(1, 2)).add(0, tokens(1, 2)).add(0, tokens(1, 2));
  const TraceSet set = builder.build();
  const Error error = error_of([&] { static_cast<void>(split_all(set)); });
  EXPECT_EQ(error.kind(), ErrorKind::kInsufficient);
}

}  // namespace
}  // namespace mascing
