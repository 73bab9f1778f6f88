// Validation results of surrogates and confound checks: parts of
// results.json.
#pragma once

#include <cstdint>
#include <vector>

namespace mascing {

/// Cross-validation over folds of topics.
struct CrossValidationResult {
  int64_t n_fold = 0;  ///< 0 = too few conversations for two folds
  double auc = 0.5;
  double low = 0.0;  ///< lower end of the AUC's 95 % interval
  double high = 1.0;
  double length_auc = 0.5;  ///< AUC of the number of tokens alone
  double topic_auc = 0.5;   ///< AUC of the topic's other conversations alone
  double calibration_error = 0.0;
  double saturated_share = 0.0;  ///< share of predictions within 0.001 of 0 or 1
};

struct SurrogateResult {
  uint64_t seed = 0;
  int64_t n_train = 0;
  int64_t n_validation = 0;
  double validation_accuracy = 0.0;
  double validation_auc = 0.0;
  double majority_accuracy = 0.0;
  double length_auc = 0.0;
  int64_t best_epoch = 0;
  CrossValidationResult cross_validation = {};
};

/// One training round of the interventional surrogate, as measured on the
/// discovery split.
struct InterventionalRoundResult {
  double norm = 0.0;         ///< |S| of the measured mask
  double value = 0.0;        ///< mean probability of wanted openings in target conversations near S
  double correlation = 0.0;  ///< predicted vs. measured differences between masks S + e and S - e
};

struct InterventionalSurrogateResult {
  std::vector<InterventionalRoundResult> rounds;
  int64_t n_question = 0;  ///< number of prefills
};

/// How well the labels of the target's discovery split can be predicted without the model, as AUCs;
/// 0.5 = chance.
struct ConfoundResult {
  int64_t n = 0;  ///< labelled conversations; 0 = not measured
  double topic_auc = 0.5;
  double length_auc = 0.5;  ///< number of tokens of the final user message
  double turn_auc = 0.5;    ///< number of user turns
};

}  // namespace mascing
