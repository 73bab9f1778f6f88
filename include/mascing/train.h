// Stage "train": fits the surrogate, a small network that predicts the probability of label 1 from
// a trace.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mascing/progress.h"
#include "mascing/surrogate.h"
#include "mascing/trace_set.h"

namespace mascing {

struct TrainOptions {
  int64_t n_proj = 16;
  int64_t n_hidden = 64;
  int64_t n_epoch = 15;           ///< maximum passes over the training traces
  int64_t n_batch = 512;          ///< conversations per step
  double learning_rate = 0.01;    ///< Adam
  double validation_share = 0.2;  ///< share of topics held out for early stopping and reporting
  int64_t n_patience =
      0;  ///< epochs without a better validation loss before stopping; 0 = never stop early
  uint64_t seed = 0;  ///< for initial weights, order of batches and validation split
  int64_t n_thread = 1;
};

/// One epoch's losses (mean binary cross-entropy) and the validation accuracy.
struct EpochReport {
  double train_loss = 0.0;
  double validation_loss = 0.0;
  double validation_accuracy = 0.0;
};

struct TrainReport {
  std::vector<EpochReport> epochs;
  int64_t best_epoch = 0;  ///< index into `epochs` of the returned weights
  int64_t n_train = 0;
  int64_t n_validation = 0;
  double validation_accuracy = 0.0;
  double validation_auc = 0.0;
  double majority_accuracy =
      0.0;  ///< accuracy of always predicting the majority class of the validation part
  double length_auc = 0.0;  ///< confound check: AUC of the number of tokens alone
};

struct TrainResult {
  Surrogate surrogate;
  TrainReport report;
};

/// Fits a surrogate on the labelled traces of `set` (label -1 is ignored). The validation part is
/// drawn by topic (by conversation without topics). Same seed and thread count give the same
/// bytes. Throws Error{kInsufficient} if a class is missing, Error{kBadInput} on a NaN or infinite
/// logit.
[[nodiscard]] TrainResult train_surrogate(const TraceSet& set,
                                          const TrainOptions& options,
                                          const Progress& progress = {});

/// Probability of label 1 for every trace of `set`, in its order.
[[nodiscard]] std::vector<float> predict(const Surrogate& surrogate,
                                         const TraceSet& set,
                                         int64_t n_thread = 1);

}  // namespace mascing
