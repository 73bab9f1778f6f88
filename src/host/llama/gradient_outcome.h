// Between rows of output logits and the scores of openings: values, and the same in reverse.
#pragma once

#include <cstdint>
#include <vector>

#include "mascing/gradient_requests.h"

namespace mascing {

/// Rows of output logits, and which row predicts which token of which opening.
struct OpeningRows {
  std::vector<const float*> logits;         ///< [row] -> [V], not owned
  std::vector<std::vector<int64_t>> reads;  ///< [opening][token] -> row
  int64_t n_vocab = 0;
};

/// The scores of the request's openings.
[[nodiscard]] OpeningScores score_openings(const GradientRequest& request, const OpeningRows& rows);

/// Gradient of the rows, [row, V], for that of the scores.
[[nodiscard]] std::vector<float> differentiate_openings(const GradientRequest& request,
                                                        const OpeningRows& rows,
                                                        const OpeningScores& d_scores);

}  // namespace mascing
