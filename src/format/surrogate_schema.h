// The part of results.json about surrogates; see results_schema.h.
#pragma once

#include "mascing/surrogate_result.h"

namespace mascing {

template <typename Io>
void describe(Io& io, CrossValidationResult& validation) {
  io.field("folds", validation.n_fold);
  io.field("auc", validation.auc);
  io.field("low", validation.low);
  io.field("high", validation.high);
  io.field("length_auc", validation.length_auc);
  io.field("topic_auc", validation.topic_auc);
  io.field("calibration_error", validation.calibration_error);
  io.field("saturated_share", validation.saturated_share);
}

template <typename Io>
void describe(Io& io, SurrogateResult& surrogate) {
  io.field("seed", surrogate.seed);
  io.field("n_train", surrogate.n_train);
  io.field("n_validation", surrogate.n_validation);
  io.field("validation_accuracy", surrogate.validation_accuracy);
  io.field("validation_auc", surrogate.validation_auc);
  io.field("majority_accuracy", surrogate.majority_accuracy);
  io.field("length_auc", surrogate.length_auc);
  io.field("best_epoch", surrogate.best_epoch);
  io.later("cross_validation", surrogate.cross_validation);
}

template <typename Io>
void describe(Io& io, InterventionalRoundResult& round) {
  io.field("norm", round.norm);
  io.field("value", round.value);
  io.field("correlation", round.correlation);
}

template <typename Io>
void describe(Io& io, InterventionalSurrogateResult& interventional) {
  io.field("rounds", interventional.rounds);
  io.field("prefills", interventional.n_question);
}

}  // namespace mascing
