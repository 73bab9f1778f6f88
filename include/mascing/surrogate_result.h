// How well surrogates know what they were trained on, and whether less would do: parts of
// results.json.
#pragma once

#include <cstdint>
#include <vector>

namespace mascing {

/// How well surrogates trained on all folds of topics but one tell the labels of that one.
struct CrossValidationResult {
  int64_t n_fold = 0;  ///< 0 = too few conversations for two
  double auc = 0.5;
  double low = 0.0;  ///< of the AUC's 95 % interval
  double high = 1.0;
  double length_auc = 0.5;  ///< of the number of tokens alone
  double topic_auc = 0.5;   ///< of the topic's other conversations alone
  double calibration_error = 0.0;
  double saturated_share = 0.0;  ///< of predictions nearer than 0.001 to 0 or 1
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

/// One round of the surrogate that is trained on interventions, as the model answered on the
/// discovery split.
struct InterventionalRoundResult {
  double norm = 0.0;         ///< |S| that was asked about
  double value = 0.0;        ///< mean chance of the wanted openings, target conversations around S
  double correlation = 0.0;  ///< of expected and measured differences between masks S + e and S - e
};

struct InterventionalSurrogateResult {
  std::vector<InterventionalRoundResult> rounds;
  int64_t n_question = 0;  ///< prefills asked
};

/// How well the label of the target's discovery split can be told without the model; AUCs, 0.5 =
/// not at all.
struct ConfoundResult {
  int64_t n = 0;  ///< labelled conversations; 0 = not measured
  double topic_auc = 0.5;
  double length_auc = 0.5;  ///< of the number of tokens of the final user message
  double turn_auc = 0.5;    ///< of the number of user turns
};

}  // namespace mascing
