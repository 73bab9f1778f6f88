// Cross-validation by topic. The interval of the AUC resamples topics, not conversations, because
// conversations of one topic resemble each other (cluster bootstrap, percentiles).
#include "mascing/validate.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <string>

#include "base/numeric.h"
#include "base/random.h"
#include "base/text.h"
#include "base/topic_or_own.h"
#include "mascing/error.h"
#include "stage/confound.h"
#include "stage/fold_split.h"
#include "stage/ragged_traces.h"
#include "stage/statistics.h"

namespace mascing {
namespace {

constexpr int64_t kBins = 10;
constexpr int64_t kAucResamples = 1000;
constexpr double kSaturation = 0.001;    // a probability this near to 0 or 1
constexpr double kSaturatedShare = 0.9;  // of predictions, from which on it is a warning
constexpr double kMiscalibration = 0.15;

/// Streams of random numbers that one seed gives, beside those of training.
enum class ValidateStream : uint64_t { kFolds = 11, kResample = 12, kTopic = 13 };

std::vector<int64_t> labelled_traces(const TraceSet& set, int64_t n_fold) {
  std::vector<int64_t> traces;
  int64_t n_of_class[2] = {0, 0};
  for (int64_t i = 0; i < std::ssize(set.traces); ++i) {
    if (set.traces[i].label >= 0) {
      traces.push_back(i);
      ++n_of_class[set.traces[i].label == 1 ? 1 : 0];
    }
  }
  if (n_of_class[0] < n_fold || n_of_class[1] < n_fold) {
    throw Error(ErrorKind::kInsufficient,
                "[validate] " + std::to_string(n_fold) + " folds of " +
                    std::to_string(n_of_class[1]) + " traces with label 1 and " +
                    std::to_string(n_of_class[0]) + " with label 0: each class needs one per fold",
                "collect more conversations, or use fewer folds");
  }
  return traces;
}

/// What is predicted, in the order of the labelled traces.
struct Sample {
  std::vector<double> scores;
  std::vector<int> labels;
  std::vector<std::string> topics;  // a conversation without one stands for itself
};

/// Probabilities of the traces of one fold by the surrogate of the others.
void predict_fold(const TraceSet& set,
                  const std::vector<int64_t>& labelled,
                  const FoldSplit& split,
                  int64_t i_fold,
                  const TrainOptions& options,
                  std::vector<float>& probabilities) {
  TraceSet rest = set;
  TraceSet held = set;
  rest.traces.clear();
  held.traces.clear();
  for (size_t i = 0; i < labelled.size(); ++i) {
    (split.fold_of[i] == i_fold ? held : rest).traces.push_back(set.traces[labelled[i]]);
  }
  const std::vector<float> predicted =
      predict(train_surrogate(rest, options).surrogate, held, options.n_thread);
  size_t next = 0;
  for (size_t i = 0; i < labelled.size(); ++i) {
    if (split.fold_of[i] == i_fold) {
      probabilities[i] = predicted[next++];
    }
  }
}

/// 95 % interval by resampling topics; where all resamples agree, Wilson's for as many hits as the
/// smaller class has members.
AucInterval auc_interval(const Sample& sample, uint64_t seed) {
  std::map<std::string, std::vector<size_t>> by_topic;
  for (size_t i = 0; i < sample.topics.size(); ++i) {
    by_topic[sample.topics[i]].push_back(i);
  }
  std::vector<const std::vector<size_t>*> topics;
  topics.reserve(by_topic.size());
  for (const auto& [topic, members] : by_topic) {
    topics.push_back(&members);
  }
  Rng rng(seed);
  std::vector<double> aucs;
  for (int64_t k = 0; k < kAucResamples; ++k) {
    std::vector<double> scores;
    std::vector<int> labels;
    for (size_t t = 0; t < topics.size(); ++t) {
      for (size_t i : *topics[rng.below(std::ssize(topics))]) {
        scores.push_back(sample.scores[i]);
        labels.push_back(sample.labels[i]);
      }
    }
    const auto n_positive = std::count(labels.begin(), labels.end(), 1);
    if (n_positive > 0 && n_positive < std::ssize(labels)) {
      aucs.push_back(rank_auc(scores, labels));
    }
  }
  const double auc = rank_auc(sample.scores, sample.labels);
  std::sort(aucs.begin(), aucs.end());
  if (aucs.size() < 40 || aucs.front() == aucs.back()) {
    const int64_t n_positive = std::count(sample.labels.begin(), sample.labels.end(), 1);
    const int64_t n = std::min(n_positive, std::ssize(sample.labels) - n_positive);
    const Rate rate = wilson(std::llround(auc * to_double(n)), n);
    return {auc, std::min(auc, rate.low), std::max(auc, rate.high)};
  }
  return {auc, aucs[aucs.size() / 40], aucs[aucs.size() - 1 - aucs.size() / 40]};
}

void calibrate(const Sample& sample, ValidationReport& report) {
  report.bins.assign(kBins, {});
  int64_t n_right = 0;
  int64_t n_saturated = 0;
  for (size_t i = 0; i < sample.scores.size(); ++i) {
    const double p = sample.scores[i];
    CalibrationBin& bin = report.bins[std::min(kBins - 1, static_cast<int64_t>(p * kBins))];
    ++bin.n;
    bin.mean_probability += p;
    bin.rate += sample.labels[i];
    n_right += (p > 0.5) == (sample.labels[i] == 1) ? 1 : 0;
    n_saturated += std::min(p, 1.0 - p) < kSaturation ? 1 : 0;
  }
  const int64_t n = std::ssize(sample.scores);
  for (CalibrationBin& bin : report.bins) {
    if (bin.n > 0) {
      bin.mean_probability /= to_double(bin.n);
      bin.rate /= to_double(bin.n);
      report.calibration_error += ratio(bin.n, n) * std::abs(bin.mean_probability - bin.rate);
    }
  }
  report.accuracy = ratio(n_right, n);
  report.saturated_share = ratio(n_saturated, n);
}

std::string shown(double value) {
  return format_number(value, 3);
}

void warn(ValidationReport& report) {
  const AucInterval& auc = report.surrogate;
  const std::string found = "AUC " + shown(auc.auc) + " [" + shown(auc.low) + ", " +
                            shown(auc.high) + "] on held-out topics";
  const auto add = [&](bool is_due, const char* id, const std::string& text, const char* advice) {
    if (is_due) {
      report.warnings.push_back({id, text, advice});
    }
  };
  add(auc.low <= 0.5,
      "surrogate_at_chance",
      "the surrogate may be no better than chance: " + found,
      "collect more labelled conversations; a mask optimised through this surrogate may be noise");
  add(auc.low <= report.length_auc,
      "surrogate_no_better_than_length",
      "the surrogate (" + found + ") is no better than the number of tokens alone (AUC " +
          shown(report.length_auc) + ")",
      "match the lengths of the two classes");
  add(auc.low <= report.topic_auc,
      "surrogate_no_better_than_topic",
      "the surrogate (" + found + ") is no better than the topic alone (AUC " +
          shown(report.topic_auc) + ")",
      "add conversations of both labels to every topic");
  add(report.saturated_share > kSaturatedShare,
      "surrogate_saturated",
      format_percent(report.saturated_share) +
          " of the predictions are within 0.001 of 0 or 1, which leaves little gradient for "
          "steering",
      "train for fewer epochs or with patience; classes this easy to separate may differ in "
      "more than the behaviour");
  add(report.calibration_error > kMiscalibration,
      "surrogate_miscalibrated",
      "predicted probabilities are off by " + shown(report.calibration_error) + " on average",
      "train for fewer epochs or with patience");
  add(!report.is_by_topic,
      "topics_not_apart",
      "the folds share topics, because topics carry the label or are too few",
      "add conversations of both labels to every topic");
}

}  // namespace

ValidationReport cross_validate(const TraceSet& set,
                                const ValidationOptions& options,
                                const Progress& progress) {
  if (options.n_fold < 2) {
    throw Error(ErrorKind::kUsage, "[validate] the number of folds must be at least 2");
  }
  const std::vector<int64_t> labelled = labelled_traces(set, options.n_fold);
  const uint64_t seed = options.train.seed;
  const FoldSplit split =
      split_folds(set, labelled, options.n_fold, stream_seed(seed, ValidateStream::kFolds));
  TrainOptions train = options.train;
  if (train.n_patience == 0) {
    train.validation_share = 0.0;  // that part would not be used
  }
  ValidationReport result;
  result.n_trace = std::ssize(labelled);
  result.is_by_topic = split.is_by_topic;
  result.probabilities.resize(labelled.size());
  for (int64_t i_fold = 0; i_fold < options.n_fold; ++i_fold) {
    predict_fold(set, labelled, split, i_fold, train, result.probabilities);
    report(progress, {"validate", i_fold + 1, options.n_fold, "folds", ""});
  }
  Sample sample;
  sample.scores.assign(result.probabilities.begin(), result.probabilities.end());
  for (int64_t i_trace : labelled) {
    const TraceView& trace = set.traces[i_trace];
    sample.labels.push_back(trace.label);
    sample.topics.push_back(topic_or_own(trace.topic, std::to_string(i_trace)));
  }
  result.surrogate = auc_interval(sample, stream_seed(seed, ValidateStream::kResample));
  result.length_auc = confound_auc(lengths_of(set, labelled), sample.labels);
  result.topic_auc =
      topic_auc(sample.topics, sample.labels, stream_seed(seed, ValidateStream::kTopic));
  const int64_t n_positive = std::count(sample.labels.begin(), sample.labels.end(), 1);
  result.majority_accuracy =
      ratio(std::max(n_positive, result.n_trace - n_positive), result.n_trace);
  calibrate(sample, result);
  warn(result);
  return result;
}

}  // namespace mascing
