// Stage "validate": how well a surrogate predicts labels on unseen topics, how well its
// probabilities are calibrated, and whether length or topic alone predicts as well.
#pragma once

#include <cstdint>
#include <vector>

#include "mascing/progress.h"
#include "mascing/trace_set.h"
#include "mascing/train.h"
#include "mascing/warning.h"

namespace mascing {

struct ValidationOptions {
  int64_t n_fold = 5;  ///< at least 2; whole topics go to a fold
  TrainOptions train;  ///< options of each fold's surrogate; its seed also draws the folds
};

/// Conversations whose predicted probability of label 1 falls into one tenth of [0, 1].
struct CalibrationBin {
  int64_t n = 0;
  double mean_probability = 0.0;
  double rate = 0.0;  ///< share with label 1
};

/// An area under the ROC curve and its 95 % interval.
struct AucInterval {
  double auc = 0.5;
  double low = 0.0;
  double high = 1.0;
};

struct ValidationReport {
  int64_t n_trace = 0;       ///< labelled conversations, each predicted once by the surrogate
                             ///< that was not trained on it
  bool is_by_topic = false;  ///< false if topics determine the label and folds had to share them
  AucInterval surrogate;     ///< interval from resampled topics
  double length_auc = 0.5;   ///< AUC of the number of tokens alone, in the better direction
  double topic_auc = 0.5;    ///< AUC of the share of label 1 in other conversations of the topic
  double accuracy = 0.0;     ///< at a threshold of 0.5
  double majority_accuracy = 0.0;    ///< accuracy of always predicting the majority class
  double calibration_error = 0.0;    ///< mean |probability - rate| over the bins, weighted by n
  double saturated_share = 0.0;      ///< share of predictions within 0.001 of 0 or 1
  std::vector<CalibrationBin> bins;  ///< 10
  std::vector<float> probabilities;  ///< of the labelled traces, in order
  /// Named warnings: `surrogate_saturated`, `surrogate_no_better_than_length`,
  /// `surrogate_no_better_than_topic`, `surrogate_at_chance`, `surrogate_miscalibrated`,
  /// `topics_not_apart`.
  std::vector<Warning> warnings;
};

/// Trains n_fold surrogates, each on all folds but one, and evaluates their predictions on that
/// one. Same seed and thread count give the same report. Throws like train_surrogate, and
/// Error{kInsufficient} if a class has fewer traces than there are folds.
[[nodiscard]] ValidationReport cross_validate(const TraceSet& set,
                                              const ValidationOptions& options,
                                              const Progress& progress = {});

}  // namespace mascing
