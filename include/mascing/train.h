// Stage "train": fits the surrogate, a small network from a trace to the probability of label 1.
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
  int64_t n_epoch = 15;           ///< passes over the training traces, at most
  int64_t n_batch = 512;          ///< conversations per step
  double learning_rate = 0.01;    ///< Adam
  double validation_share = 0.2;  ///< share of the topics held out to stop early and to report
  int64_t n_patience =
      0;  ///< epochs without a better validation loss before stopping; 0 = never stop early
  uint64_t seed = 0;  ///< initial weights, order of batches, validation split
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
  int64_t best_epoch = 0;  ///< index into `epochs` of the weights that were kept
  int64_t n_train = 0;
  int64_t n_validation = 0;
  double validation_accuracy = 0.0;
  double validation_auc = 0.0;
  double majority_accuracy =
      0.0;                  ///< of always answering the more frequent class of the validation part
  double length_auc = 0.0;  ///< confound check: how well the number of tokens alone tells the label
};

struct TrainResult {
  Surrogate surrogate;
  TrainReport report;
};

/// Fits a surrogate on the labelled traces of `set` (label -1 is ignored). The validation part is
/// drawn by topic (by conversation where no topics are given). Same seed and thread count: same
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
