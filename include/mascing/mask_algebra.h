// Several masks as one: sums, differences, and where masks pull against each other.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mascing/mask.h"

namespace mascing {

/// A mask and how strongly it is to be used.
struct WeightedMask {
  Mask mask;
  double strength = 1.0;  ///< alpha
  std::string name;       ///< for messages
};

/// One mask that does what the given ones do together: S is the sum of strength * S, alpha is 1.
/// A single mask stays as it is, but for alpha. Throws Error{kMismatch} unless all were made for
/// one model and measure sigma by one rule, Error{kUsage} if none is given.
[[nodiscard]] Mask compose_masks(const std::vector<WeightedMask>& masks);

/// An expert that two masks pull in opposite directions.
struct MaskConflict {
  int64_t i_layer = 0;
  int64_t i_expert = 0;
  double first = 0.0;   ///< strength * S of the first mask
  double second = 0.0;  ///< of the other
};

/// How two masks, at their strengths, stand to each other.
struct MaskComparison {
  double cosine = 0.0;      ///< of the two matrices, 0 if one is empty
  double difference = 0.0;  ///< Euclidean norm of their difference over that of the larger one
  int64_t n_first = 0;      ///< entries that are not zero
  int64_t n_second = 0;
  int64_t n_shared = 0;                 ///< entries where both are not zero
  std::vector<MaskConflict> conflicts;  ///< strongest first
  double cancelled = 0.0;               ///< share of |first| + |second| that cancels in the sum
};

/// Throws as compose_masks does.
[[nodiscard]] MaskComparison compare_masks(const WeightedMask& first, const WeightedMask& second);

/// Throws Error{kMismatch} naming both unless they were made for the same model.
void require_same_origin(const WeightedMask& first, const WeightedMask& second);

}  // namespace mascing
