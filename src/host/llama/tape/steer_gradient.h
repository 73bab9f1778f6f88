// The mask's own step, z' = z + alpha sigma S with sigma of one of three rules, in reverse.
#pragma once

#include <cstdint>
#include <vector>

#include "mascing/steering.h"

namespace mascing {

/// Sigma of each of `n` tokens at a layer, under the rule of the steering's mask.
/// `logits` [n, E]: before the mask.
[[nodiscard]] std::vector<double> sigma_of_tokens(const Steering& steering,
                                                  int64_t i_layer,
                                                  const std::vector<float>& logits);

/// Adds alpha sum_t sigma_t d_logits[t] to `d_row` [E], and turns `d_logits` [n, E] from the
/// gradient of z' into that of z.
void differentiate_steering(const Steering& steering,
                            int64_t i_layer,
                            const std::vector<float>& logits,
                            float* d_logits,
                            float* d_row);

}  // namespace mascing
