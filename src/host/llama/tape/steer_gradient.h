// The mask's own step, z' = z + alpha sigma S with sigma of one of three rules, in reverse.
#pragma once

#include <cstdint>
#include <vector>

#include "mascing/steering.h"

namespace mascing {

/// Logits of one layer's router before the mask was added, of tokens under the same mask.
struct RouterColumns {
  int64_t layer = 0;
  const float* logits = nullptr;  ///< [n_token, E], not owned
  int64_t n_token = 0;
};

/// Sigma of each token under the rule of the steering's mask. A rule that needs all tokens of a
/// batch takes these for all.
[[nodiscard]] std::vector<double> sigma_of_tokens(const Steering& steering,
                                                  const RouterColumns& columns);

/// Adds alpha sum_t sigma_t d_logits[t] to `d_row` [E], and turns `d_logits` [n_token, E] from the
/// gradient of z' into that of z.
void differentiate_steering(const Steering& steering,
                            const RouterColumns& columns,
                            float* d_logits,
                            float* d_row);

}  // namespace mascing
