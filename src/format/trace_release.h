// Keeps the memory of mapped trace files bounded while they are read again and again.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "format/safetensors.h"
#include "mascing/trace_set.h"

namespace mascing {

/// TraceSet::release for traces in these files; empty if the files are small
/// enough (256 MB together) to stay. `n_value` is the number of logits of a token.
[[nodiscard]] std::function<void(const TraceView&)> releasing(
    const std::shared_ptr<const std::vector<SafetensorsFile>>& files, int64_t n_value);

}  // namespace mascing
