// Baselines for a chosen mask: masks and directions that need no search.
#pragma once

#include <cstdint>
#include <vector>

#include "mascing/host.h"
#include "mascing/trace_set.h"

namespace mascing {

/// Share of label-0 tokens whose router selects an expert minus that of label-1 tokens, [L, E]: the
/// risk difference of SteerMoE. An expert is selected if fewer than K others have a larger
/// logit. Traces without a label are ignored. Throws Error{kInsufficient} if a label
/// is missing.
[[nodiscard]] std::vector<double> risk_difference(const TraceSet& set);

/// The `n` entries of `difference` with the largest magnitude as +1 (used more with label 0, to be
/// forced) or -1 (to be banned), all others 0; for SteerRule::kForce. Entries of 0 are never taken;
/// ties go to the first.
[[nodiscard]] std::vector<float> forced_experts(const std::vector<double>& difference, int64_t n);

/// `n_entry` normal numbers scaled to Euclidean norm `norm`.
[[nodiscard]] std::vector<float> random_steer(int64_t n_entry, double norm, uint64_t seed);

/// Mean of `wanted` minus mean of `unwanted`, for every block. Throws Error{kInsufficient} if one
/// of them is empty, Error{kMismatch} if their sizes differ.
[[nodiscard]] ControlVector mean_residual_difference(const std::vector<Residual>& wanted,
                                                     const std::vector<Residual>& unwanted);

/// Sets all rows except that of `i_block` to zero.
[[nodiscard]] ControlVector only_block(const ControlVector& control, int64_t i_block);

/// Distribution of a value under random masks.
struct Spread {
  double mean = 0.0;
  double sd = 0.0;  ///< divisor n - 1; 0 for n = 1
  double least = 0.0;
  double quartile_1 = 0.0;
  double median = 0.0;
  double quartile_3 = 0.0;
  double most = 0.0;
};

/// Quantiles are linear between ranks. Throws Error{kInsufficient} without values.
[[nodiscard]] Spread spread_of(std::vector<double> values);

/// One-sided p-value of `value` among `values`: (1 + number of `values` >= value)
/// / (1 + n).
[[nodiscard]] double rank_p_value(const std::vector<double>& values, double value);

}  // namespace mascing
