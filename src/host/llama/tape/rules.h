// Vector-Jacobian products, one function per operation of ggml: given the gradient of a node, each
// adds to those of its sources. Plain loops over 32-bit floats; only products are blocked
// (product.h).
#pragma once

#include "host/llama/tape/tape.h"

namespace mascing {

/// `d_node`: gradient of the node without gaps, ne[0] fastest; null where the rule reads it from
/// the node's root itself.
using TapeRule = void (*)(Tape& tape, const TapeTensor& node, const float* d_node);

/// Null if there is none.
[[nodiscard]] TapeRule find_rule(const ggml_tensor& node);
/// The same among element-wise functions of one source, and among gated units.
[[nodiscard]] TapeRule find_unary_rule(const ggml_tensor& node);
[[nodiscard]] TapeRule find_glu_rule(const ggml_tensor& node);

/// Whether the node overwrites part of a memory: its rule gets no gradient and leaves that of the
/// part at zero.
[[nodiscard]] bool is_write(const ggml_tensor& node);

// Arithmetic, the second source repeated as needed.
void rule_add(Tape& tape, const TapeTensor& node, const float* d_node);
void rule_sub(Tape& tape, const TapeTensor& node, const float* d_node);
void rule_mul(Tape& tape, const TapeTensor& node, const float* d_node);
void rule_div(Tape& tape, const TapeTensor& node, const float* d_node);
void rule_add_id(Tape& tape, const TapeTensor& node, const float* d_node);
void rule_scale(Tape& tape, const TapeTensor& node, const float* d_node);
void rule_clamp(Tape& tape, const TapeTensor& node, const float* d_node);
void rule_sqr(Tape& tape, const TapeTensor& node, const float* d_node);
void rule_sqrt(Tape& tape, const TapeTensor& node, const float* d_node);
void rule_log(Tape& tape, const TapeTensor& node, const float* d_node);

// Along rows.
void rule_sum(Tape& tape, const TapeTensor& node, const float* d_node);
void rule_sum_rows(Tape& tape, const TapeTensor& node, const float* d_node);
void rule_mean(Tape& tape, const TapeTensor& node, const float* d_node);
void rule_norm(Tape& tape, const TapeTensor& node, const float* d_node);
void rule_rms_norm(Tape& tape, const TapeTensor& node, const float* d_node);
void rule_l2_norm(Tape& tape, const TapeTensor& node, const float* d_node);
void rule_soft_max(Tape& tape, const TapeTensor& node, const float* d_node);
void rule_rope(Tape& tape, const TapeTensor& node, const float* d_node);

// Recurrent states, and several residual streams.
void rule_ssm_conv(Tape& tape, const TapeTensor& node, const float* d_node);
void rule_ssm_scan(Tape& tape, const TapeTensor& node, const float* d_node);
void rule_gated_delta_net(Tape& tape, const TapeTensor& node, const float* d_node);
void rule_hc_comb(Tape& tape, const TapeTensor& node, const float* d_node);
void rule_hc_pre(Tape& tape, const TapeTensor& node, const float* d_node);
void rule_hc_post(Tape& tape, const TapeTensor& node, const float* d_node);

// Products with matrices.
void rule_mul_mat(Tape& tape, const TapeTensor& node, const float* d_node);
void rule_mul_mat_id(Tape& tape, const TapeTensor& node, const float* d_node);

// Values that only move.
void rule_copy(Tape& tape, const TapeTensor& node, const float* d_node);
void rule_write_copy(Tape& tape, const TapeTensor& node, const float* d_node);
void rule_set_rows(Tape& tape, const TapeTensor& node, const float* d_node);
void rule_get_rows(Tape& tape, const TapeTensor& node, const float* d_node);
void rule_concat(Tape& tape, const TapeTensor& node, const float* d_node);
void rule_repeat(Tape& tape, const TapeTensor& node, const float* d_node);
void rule_pad(Tape& tape, const TapeTensor& node, const float* d_node);
/// For what does not depend on its sources' values, and for functions that are constant but for
/// jumps.
void rule_nothing(Tape& tape, const TapeTensor& node, const float* d_node);

}  // namespace mascing
