// Gradients as they stand in the cache.
#pragma once

#include <string>
#include <vector>

#include "stage/outcome_gradient.h"

namespace mascing {

/// Bytes, to the last bit.
[[nodiscard]] std::string encode_gradients(const std::vector<OutcomeGradient>& gradients);
/// Reads what `encode_gradients` wrote.
[[nodiscard]] std::vector<OutcomeGradient> decode_gradients(const std::string& text);

}  // namespace mascing
