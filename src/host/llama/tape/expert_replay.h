// Computes the experts' part of a layer again, for other experts than the chosen ones.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "host/llama/tape/tape.h"

namespace mascing {

/// Values [n, n_other, T] that the tape's tensor `outputs` [n, K, T] would have if the experts'
/// numbers `ids` [K, T], a tensor before it, were `other_ids` [n_other, T]. The operations between
/// the two are cloned as they are. Nothing if one of them mixes experts or has a shape that does
/// not follow their number.
[[nodiscard]] std::optional<std::vector<float>> replay_experts(
    const Tape& tape, int64_t outputs, int64_t ids, const std::vector<int32_t>& other_ids);

}  // namespace mascing
