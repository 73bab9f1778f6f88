// What the adapter of a mask adds to router logits, and its derivatives.
#pragma once

#include <cstdint>

#include "mascing/mask.h"

namespace mascing {

/// Adds alpha sum_r up_r (down_r . x) to the logits `z` [E] of the token with router input `input`
/// [D].
void add_adapter(const Mask& mask, int64_t i_layer, const float* input, float alpha, float* z);

/// Tokens at one router under the same mask.
struct AdapterColumns {
  int64_t i_layer = 0;
  int64_t n_token = 0;
  const float* inputs = nullptr;  ///< [n_token, D], not owned
  const float* d_z = nullptr;     ///< [n_token, E] gradient of the logits that were used
};

/// Adds alpha sum_t (down_r . x_t) d_z_t to `d_up` [R, E], and alpha sum_r down_r (up_r . d_z_t) to
/// each row of `d_inputs` [n_token, D], which may be null.
void differentiate_adapter(
    const Mask& mask, const AdapterColumns& columns, float alpha, float* d_up, float* d_inputs);

}  // namespace mascing
