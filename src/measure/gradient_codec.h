// Gradients as they stand in the cache.
#pragma once

#include <string>
#include <vector>

#include "stage/outcome_gradient.h"
#include "stage/router_slopes.h"

namespace mascing {

/// Bytes, to the last bit.
[[nodiscard]] std::string encode_gradients(const std::vector<OutcomeGradient>& gradients);
/// Reads what `encode_gradients` wrote.
[[nodiscard]] std::vector<OutcomeGradient> decode_gradients(const std::string& text);

[[nodiscard]] std::string encode_slopes(const RouterSlopes& slopes);
/// Reads what `encode_slopes` wrote.
[[nodiscard]] RouterSlopes decode_slopes(const std::string& text);

}  // namespace mascing
