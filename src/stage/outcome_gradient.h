// Answers of the model with their exact derivatives by the mask that they were asked under.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "mascing/gradient_requests.h"
#include "stage/outcome.h"

namespace mascing {

/// The answer to a question, and what moving each entry of the mask would do to it.
struct OutcomeGradient {
  double value = 0.0;          ///< as `measure_outcomes` gives it
  std::vector<float> d_steer;  ///< d value / d S, [L, E]; empty if there is no gradient
};

/// A function with the semantics of `measure_outcome_gradients`.
using AskGradients = std::function<std::vector<OutcomeGradient>(const std::vector<Question>&)>;

/// The derivative of log sum p(wanted) - log sum p(other) by the openings' log-probabilities, the
/// first `n_wanted` of which are the wanted ones; the value is returned. If all openings are of one
/// kind, the other is any other reply.
[[nodiscard]] double margin_gradient(const std::vector<double>& log_prob,
                                     int64_t n_wanted,
                                     std::vector<double>& d_log_prob);

/// One forward and one reverse pass per question, packed as the host sees fit. The steering of each
/// needs a mask that is added (it may be all zeros). NaN and no gradient for an item that cannot be
/// processed. Throws Error{kHost} if the host cannot differentiate, or if an operation of the model
/// has no rule: then every item would fail.
[[nodiscard]] std::vector<OutcomeGradient> measure_outcome_gradients(
    Host& host,
    const std::vector<OutcomeSet>& sets,
    const std::vector<Question>& questions,
    const SwapOptions& swap = {});

}  // namespace mascing
