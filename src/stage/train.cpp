// Adam on the mean binary cross-entropy of shuffled batches, checked after every epoch on traces
// whose topics were not trained on (method.md, step 3).
#include "mascing/train.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>
#include <utility>

#include "base/numeric.h"
#include "base/random.h"
#include "mascing/error.h"
#include "nn/adam.h"
#include "nn/batch_runner.h"
#include "nn/loss.h"
#include "nn/surrogate_layout.h"
#include "stage/ragged_traces.h"
#include "stage/statistics.h"
#include "stage/train_split.h"

namespace mascing {
namespace {

/// Streams of random numbers that one seed gives.
enum class TrainStream : uint64_t { kInitial = 1, kSplit = 2, kOrder = 3 };

void require(bool is_met, const std::string& what) {
  if (!is_met) {
    throw Error(ErrorKind::kUsage, "[train] " + what, "see `mascing train --help`");
  }
}

void check_options(const TrainOptions& options) {
  require(options.n_proj >= 1, "the projection's width must be at least 1");
  require(options.n_hidden >= 1, "the LSTM's width must be at least 1");
  require(options.n_epoch >= 1, "the number of epochs must be at least 1");
  require(options.n_batch >= 1, "the batch size must be at least 1");
  require(std::isfinite(options.learning_rate) && options.learning_rate > 0.0,
          "the learning rate must be above 0");
  require(options.validation_share >= 0.0 && options.validation_share < 1.0,
          "the validation share must be at least 0 and below 1");
  require(options.n_patience >= 0, "the patience must not be negative");
  require(options.n_patience == 0 || options.validation_share > 0.0,
          "stopping early needs a validation share above 0");
  require(options.n_thread >= 1, "the number of threads must be at least 1");
}

std::vector<int64_t> labelled_traces(const TraceSet& set) {
  const int64_t n_negative = std::ssize(traces_with_label(set, 0));
  const int64_t n_positive = std::ssize(traces_with_label(set, 1));
  if (n_negative == 0 || n_positive == 0) {
    throw Error(ErrorKind::kInsufficient,
                "[train] both classes are needed: " + std::to_string(n_positive) +
                    " traces with label 1 and " + std::to_string(n_negative) + " with label 0",
                "collect conversations of the missing class, or check the judge's labels");
  }
  std::vector<int64_t> traces = all_traces(set);
  std::erase_if(traces, [&](int64_t i_trace) { return set.traces[i_trace].label == -1; });
  return traces;
}

template <typename Number>
std::vector<Number> labels_of(const TraceSet& set, const std::vector<int64_t>& traces) {
  std::vector<Number> labels;
  labels.reserve(traces.size());
  for (int64_t i_trace : traces) {
    labels.push_back(to_scalar<Number>(set.traces[i_trace].label));
  }
  return labels;
}

/// Mean loss and accuracy of logits.
struct EpochScore {
  double loss = 0.0;
  double accuracy = 0.0;
};

EpochScore epoch_score(const std::vector<float>& logits, const std::vector<int>& labels) {
  EpochScore result;
  for (size_t i = 0; i < logits.size(); ++i) {
    result.loss += nn::bce_with_logits(logits[i], labels[i]);
    result.accuracy += (logits[i] > 0.0F) == (labels[i] == 1) ? 1.0 : 0.0;
  }
  const double n = std::max(1.0, to_double(std::ssize(logits)));
  return {result.loss / n, result.accuracy / n};
}

double length_auc(const TraceSet& set, const std::vector<int64_t>& labelled) {
  const double auc = rank_auc(lengths_of(set, labelled), labels_of<int>(set, labelled));
  return std::max(auc, 1.0 - auc);  // shorter attacks are as much of a confound as longer ones
}

std::string describe(const EpochReport& epoch, const TrainSplit& split) {
  char text[160];
  std::snprintf(text,
                sizeof text,
                "loss %.4f, validation loss %.4f, accuracy %.3f",
                epoch.train_loss,
                epoch.validation_loss,
                epoch.validation_accuracy);
  return text + std::string(split.is_by_topic ? "" : " (not split by topic)");
}

/// The state of one fit.
class Trainer {
 public:
  Trainer(const TraceSet& set, const TrainOptions& options, const TrainSplit& split)
      : set_(set),
        options_(options),
        split_(split),
        shape_{set.n_layer, set.n_expert, options.n_proj, options.n_hidden},
        values_(initial_surrogate(shape_, stream_seed(options.seed, TrainStream::kInitial))),
        runner_(shape_, options.n_thread),
        adam_(surrogate_size(shape_), {.learning_rate = options.learning_rate}),
        rng_(stream_seed(options.seed, TrainStream::kOrder)),
        validation_labels_(labels_of<int>(set, split.validation)),
        validation_batch_(trace_batch<float>(set, split.validation)) {}

  TrainResult run(const Progress& progress) {
    TrainResult result;
    TrainReport& fit = result.report;
    std::vector<int64_t> order = split_.train;
    for (int64_t i_epoch = 0; i_epoch < options_.n_epoch; ++i_epoch) {
      rng_.shuffle(order);
      fit.epochs.push_back(run_epoch(order, i_epoch));
      keep_if_best(fit, i_epoch);
      report(
          progress,
          {"train", i_epoch + 1, options_.n_epoch, "epochs", describe(fit.epochs.back(), split_)});
      if (options_.n_patience > 0 && i_epoch - fit.best_epoch >= options_.n_patience) {
        break;
      }
    }
    finish(fit);
    result.surrogate = {shape_, std::move(best_values_), conversations_of(set_)};
    return result;
  }

 private:
  EpochReport run_epoch(const std::vector<int64_t>& order, int64_t i_epoch) {
    EpochReport epoch;
    const int64_t n_train = std::ssize(order);
    for (int64_t begin = 0; begin < n_train; begin += options_.n_batch) {
      const int64_t end = std::min(n_train, begin + options_.n_batch);
      const std::vector<int64_t> traces(order.begin() + begin, order.begin() + end);
      runner_.set_weights(values_.data());
      const double loss = runner_.train(
          trace_batch<float>(set_, traces), labels_of<float>(set_, traces), d_values_);
      if (!std::isfinite(loss)) {
        throw Error(ErrorKind::kBadInput,
                    "[train] the loss is no longer finite in epoch " + std::to_string(i_epoch + 1),
                    "lower the learning rate");
      }
      adam_.step(d_values_.data(), values_.data());
      epoch.train_loss += loss * to_double(end - begin) / to_double(n_train);
    }
    const EpochScore held = validate(values_);
    epoch.validation_loss = held.loss;
    epoch.validation_accuracy = held.accuracy;
    return epoch;
  }

  /// Leaves the logits of the validation part in validation_logits_.
  EpochScore validate(const std::vector<float>& values) {
    runner_.set_weights(values.data());
    runner_.forward(validation_batch_, validation_logits_);
    return epoch_score(validation_logits_, validation_labels_);
  }

  void keep_if_best(TrainReport& fit, int64_t i_epoch) {
    const double loss = fit.epochs[i_epoch].validation_loss;
    const bool is_better = loss < fit.epochs[fit.best_epoch].validation_loss;
    if (options_.n_patience == 0 || i_epoch == 0 || is_better) {
      fit.best_epoch = i_epoch;
      best_values_ = values_;
    }
  }

  void finish(TrainReport& fit) {
    check_surrogate({shape_, best_values_});
    fit.n_train = std::ssize(split_.train);
    fit.n_validation = std::ssize(split_.validation);
    if (fit.n_validation == 0) {
      return;
    }
    fit.validation_accuracy = validate(best_values_).accuracy;
    const std::vector<double> scores(validation_logits_.begin(), validation_logits_.end());
    fit.validation_auc = rank_auc(scores, validation_labels_);
    const int64_t n_positive = std::count(validation_labels_.begin(), validation_labels_.end(), 1);
    fit.majority_accuracy =
        ratio(std::max(n_positive, fit.n_validation - n_positive), fit.n_validation);
  }

  const TraceSet& set_;
  const TrainOptions& options_;
  const TrainSplit& split_;
  SurrogateShape shape_;
  std::vector<float> values_;
  std::vector<float> best_values_;
  std::vector<float> d_values_;
  nn::BatchRunner<float> runner_;
  nn::Adam<float> adam_;
  Rng rng_;
  std::vector<int> validation_labels_;
  nn::Batch<float> validation_batch_;
  std::vector<float> validation_logits_;
};

}  // namespace

TrainResult train_surrogate(const TraceSet& set,
                            const TrainOptions& options,
                            const Progress& progress) {
  check_options(options);
  const std::vector<int64_t> labelled = labelled_traces(set);
  check_traces(set, labelled, "train");
  const TrainSplit split = split_for_training(
      set, labelled, options.validation_share, stream_seed(options.seed, TrainStream::kSplit));
  TrainResult result = Trainer(set, options, split).run(progress);
  result.report.length_auc = length_auc(set, labelled);
  return result;
}

std::vector<float> predict(const Surrogate& surrogate, const TraceSet& set, int64_t n_thread) {
  require(n_thread >= 1, "the number of threads must be at least 1");
  check_surrogate(surrogate);
  const SurrogateShape& shape = surrogate.shape;
  if (shape.n_layer != set.n_layer || shape.n_expert != set.n_expert) {
    throw Error(ErrorKind::kMismatch,
                "[predict] the surrogate reads " + std::to_string(shape.n_layer) + " layers of " +
                    std::to_string(shape.n_expert) + " experts, the traces have " +
                    std::to_string(set.n_layer) + " of " + std::to_string(set.n_expert),
                "use the surrogate that was trained on traces of this model");
  }
  check_traces(set, all_traces(set), "predict");
  nn::BatchRunner<float> runner(shape, n_thread);
  runner.set_weights(surrogate.values.data());
  std::vector<float> probabilities;
  runner.forward(trace_batch<float>(set, all_traces(set)), probabilities);
  for (float& value : probabilities) {
    value = to_float(nn::sigmoid(value));
  }
  return probabilities;
}

}  // namespace mascing
