// The surrogate on disk: safetensors with one tensor "values" (F32 [n]) and the shape in the
// metadata.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "mascing/surrogate.h"

namespace mascing {

/// Writes atomically. `metadata` is free (tool version, seed, data hash) but for keys that begin
/// with "mascing.surrogate.", which are ours. Throws Error{kUsage} if values and shape disagree,
/// Error{kSystem}.
void write_surrogate(const std::string& path,
                     const Surrogate& surrogate,
                     const std::map<std::string, std::string>& metadata);

/// `metadata` receives the caller's keys unless it is null. Throws Error{kBadInput}.
[[nodiscard]] Surrogate read_surrogate(const std::string& path,
                                       std::map<std::string, std::string>* metadata = nullptr);

}  // namespace mascing
