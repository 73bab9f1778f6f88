// How well the label of a conversation can be told without looking at the model: from its topic,
// its number of tokens, its number of turns.
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

/// AUC of the share of label 1 among other conversations of the topic: each conversation is scored
/// by those of its topic that another random half drew, so that its own label does not count, not
/// even by its absence. Averaged over `n_draw` draws.
[[nodiscard]] double topic_auc(const std::vector<std::string>& topics,
                               const std::vector<int>& labels,
                               uint64_t seed,
                               int64_t n_draw = 1);

/// `labels_follow_topic`, `labels_follow_length`, `labels_follow_turns`: what is known before the
/// model is asked tells the labels apart with an AUC of 0.8 or more.
[[nodiscard]] std::vector<Warning> confound_warnings(const ConfoundResult& confounds);

}  // namespace mascing
