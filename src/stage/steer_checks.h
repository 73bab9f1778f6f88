// Checks and steps that the steering optimisation shares with its baseline.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mascing/steer.h"

namespace mascing {

/// Throws Error{kUsage} unless `is_met`.
void require_steer(bool is_met, const std::string& what);

[[nodiscard]] bool is_at_least_zero(double value);

/// Throws Error{kUsage} on an option out of its range.
void check_steer_options(const SteerOptions& options);

/// Throws Error{kBadInput} or {kMismatch} unless the surrogate is valid and matches these traces.
void check_steer_shape(const Surrogate& surrogate, const TraceSet& set);

/// Union of both lists in ascending order.
[[nodiscard]] std::vector<int64_t> traces_read(const SteerTraces& traces);

/// Sets entries with |S| <= threshold to zero.
void apply_threshold(double threshold, std::vector<float>& steer);

}  // namespace mascing
