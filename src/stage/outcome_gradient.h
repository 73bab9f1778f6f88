// Answers of the model with their exact derivatives by the mask that they were asked under.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "mascing/gradient_requests.h"
#include "stage/outcome.h"

namespace mascing {

/// The answer to a question, and what moving each entry of the mask would do to it.
struct OutcomeGradient {
  double value = std::numeric_limits<double>::quiet_NaN();  ///< as `measure_outcomes` gives it
  std::vector<float> d_steer =
      {};                  ///< d value / d values of the mask; empty if there is no gradient
  std::string error = {};  ///< why there is none
};

/// A function with the semantics of `measure_outcome_gradients`.
using AskGradients = std::function<std::vector<OutcomeGradient>(const std::vector<Question>&)>;

/// Of a prompt, the tokens before its openings whose routing counts, at most.
inline constexpr int64_t kMostDifferentiated = 384;

/// Tokens of an item whose routing counts, its openings included.
[[nodiscard]] int64_t n_differentiated(const OutcomeSet& set, int64_t i_item);

/// One forward and one reverse pass per question, packed as the host sees fit. Only routing from an
/// item's `first` token on counts, and no further back than `kMostDifferentiated` tokens. The
/// steering of each needs a mask that is added (it may be all zeros). NaN and no gradient for an
/// item that cannot be processed or whose derivative is not finite, and for all if an operation of
/// the model has no rule. Throws Error{kHost} if the host cannot differentiate at all.
[[nodiscard]] std::vector<OutcomeGradient> measure_outcome_gradients(
    Host& host,
    const std::vector<OutcomeSet>& sets,
    const std::vector<Question>& questions,
    const SwapOptions& swap = {});

}  // namespace mascing
