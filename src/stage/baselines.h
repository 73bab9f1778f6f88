// Baselines for a chosen mask: masks and directions that need no search.
#pragma once

#include <cstdint>
#include <vector>

#include "mascing/host.h"
#include "mascing/trace_set.h"

namespace mascing {

/// Share of the tokens with label 0 whose router chooses an expert, minus that of the tokens with
/// label 1, [L, E]: the risk difference of SteerMoE. An expert is chosen if fewer than K others
/// have a larger logit. Traces without a label are left out. Throws Error{kInsufficient} if a label
/// is missing.
[[nodiscard]] std::vector<double> risk_difference(const TraceSet& set);

/// The `n` entries of `difference` furthest from 0 as +1 (used more with label 0: to be forced) and
/// -1 (to be banned), all others 0; for SteerRule::kForce. Entries of 0 are never taken; of equals
/// the first.
[[nodiscard]] std::vector<float> forced_experts(const std::vector<double>& difference, int64_t n);

/// `n_entry` normal numbers scaled to Euclidean norm `norm`.
[[nodiscard]] std::vector<float> random_steer(int64_t n_entry, double norm, uint64_t seed);

/// Mean of `wanted` minus mean of `unwanted`, for every block. Throws Error{kInsufficient} if one
/// of them is empty, Error{kMismatch} if their sizes differ.
[[nodiscard]] ControlVector mean_residual_difference(const std::vector<Residual>& wanted,
                                                     const std::vector<Residual>& unwanted);

/// All rows but that of `i_block` zero.
[[nodiscard]] ControlVector only_block(const ControlVector& control, int64_t i_block);

/// A number among others that chance gave.
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

/// Chance, if `value` were one of them, to be as large as it is: (1 + number of `values` >= value)
/// / (1 + n).
[[nodiscard]] double rank_p_value(const std::vector<double>& values, double value);

}  // namespace mascing
