// Random masks around a steering matrix: every free entry moves by plus or minus the same amount
// (Rademacher), all others stay.
#pragma once

#include <cmath>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/random.h"
#include "mascing/host.h"
#include "mascing/mask.h"

namespace mascing {

/// The entries of a mask that a search may change: indices into Mask::values(), in ascending order.
using FreeEntries = std::vector<int64_t>;

/// All entries of a mask.
[[nodiscard]] FreeEntries all_entries(const Mask& mask);

/// Euclidean length of a steering matrix.
[[nodiscard]] double norm_of(const std::vector<float>& steer);

/// A soft threshold: moves a value towards 0 by `by`, and by twice that if it is above 0, since
/// boosts break models sooner than bans.
template <typename Number>
[[nodiscard]] Number soft_threshold(Number value, Number by) {
  const Number least = value > Number(0) ? Number(2) * by : by;
  return std::fabs(value) <= least ? Number(0) : value - std::copysign(least, value);
}

/// Pairs of masks that are asked about at a time: `n_wanted`, or 4 per free entry, at least 128 and
/// at most 1,024, if that is 0.
[[nodiscard]] int64_t pairs_of_round(int64_t n_wanted, int64_t n_entry);

/// +-size for each of d free entries.
[[nodiscard]] std::vector<float> draw_perturbation(Rng& rng, int64_t d, double size);

/// `base` with its free entries replaced by `values` + `sign` * `perturbation`, at alpha 1. The
/// perturbation may be empty.
[[nodiscard]] Steering perturbed(const Mask& base,
                                 const FreeEntries& entries,
                                 const std::vector<float>& values,
                                 const std::vector<float>& perturbation,
                                 float sign);

}  // namespace mascing
