// How well the label of a conversation can be predicted without the model, from its topic, number
// of tokens or number of turns.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mascing/surrogate_result.h"
#include "mascing/warning.h"

namespace mascing {

/// AUC of a number alone, in whichever direction is better. Both vectors have the same length.
[[nodiscard]] double confound_auc(const std::vector<double>& values,
                                  const std::vector<int>& labels);

/// AUC of the share of label 1 among other conversations of the topic. Each conversation is scored
/// by those of its topic in the other random half, so that its own label has no influence, not
/// even by being left out. Averaged over `n_draw` draws.
[[nodiscard]] double topic_auc(const std::vector<std::string>& topics,
                               const std::vector<int>& labels,
                               uint64_t seed,
                               int64_t n_draw = 1);

/// `labels_follow_topic`, `labels_follow_length`, `labels_follow_turns`: added if
/// that property alone predicts the labels with an AUC of 0.8 or more.
[[nodiscard]] std::vector<Warning> confound_warnings(const ConfoundResult& confounds);

}  // namespace mascing
