// Checksum of a shard of traces.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "format/safetensors.h"

namespace mascing {

inline constexpr const char* kTraceChecksumKey = "mascing.checksum";  ///< of the shard's metadata

/// SHA-256 over all of `metadata` but the checksum itself, by key, and the bytes of the tensors in
/// the order of the traces.
[[nodiscard]] std::string trace_checksum(const std::map<std::string, std::string>& metadata,
                                         const std::vector<std::string_view>& tensors);

/// The bytes of tensors about to be written.
[[nodiscard]] std::vector<std::string_view> bytes_of(const std::vector<SafetensorsEntry>& entries);

}  // namespace mascing
