// Sums and comparisons of masks, and conflicts between them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mascing/mask.h"

namespace mascing {

/// Strengths that users may ask for, either way; far beyond what leaves a model coherent.
inline constexpr double kMaxStrength = 100.0;

/// A mask with its strength.
struct WeightedMask {
  Mask mask;
  double strength = 1.0;  ///< alpha
  std::string name;       ///< for messages
};

/// One mask with the combined effect: S is the sum of strength * S, alpha is 1. Masks of another
/// sigma rule than the first go into a part for each rule, adapters stand side by side. A single
/// mask is unchanged except for alpha. Throws Error{kMismatch} unless all masks are for the same
/// model, Error{kUsage} if none is given.
[[nodiscard]] Mask compose_masks(const std::vector<WeightedMask>& masks);

/// An expert for which two masks have opposite signs.
struct MaskConflict {
  int64_t i_layer = 0;
  int64_t i_expert = 0;
  double first = 0.0;   ///< strength * S of the first mask
  double second = 0.0;  ///< strength * S of the second mask
};

/// Comparison of two masks at their strengths. Where sigma rules differ, both count in units of the
/// layer's mean sigma.
struct MaskComparison {
  double cosine = 0.0;      ///< of the two matrices, 0 if one is empty
  double difference = 0.0;  ///< Euclidean norm of their difference over that of the larger one
  int64_t n_first = 0;      ///< non-zero entries
  int64_t n_second = 0;
  int64_t n_shared = 0;                 ///< entries that are non-zero in both
  std::vector<MaskConflict> conflicts;  ///< strongest first
  double cancelled = 0.0;               ///< share of |first| + |second| that cancels in the sum
};

/// Throws as compose_masks does, and Error{kUsage} for a mask with an adapter.
[[nodiscard]] MaskComparison compare_masks(const WeightedMask& first, const WeightedMask& second);

/// Throws Error{kMismatch} naming both unless they were made for the same model.
void require_same_origin(const WeightedMask& first, const WeightedMask& second);

}  // namespace mascing
