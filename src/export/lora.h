// A router update as a LoRA adapter in GGUF, for stock llama.cpp and programs built on it:
// llama-cli and llama-server. The adapter's scale is the mask's strength.
//
// An approximation, see router_update.h. Its error is measured when it is fitted and stored in the
// file (mascing.fit.*).
#pragma once

#include <string>

#include "export/router_update.h"

namespace mascing {

/// Throws Error{kUsage} for an architecture on whose routers llama.cpp's adapters do nothing.
void require_adapters(const std::string& architecture);

/// Layers of smaller rank are padded with zeros. llama.cpp divides by the rank of each tensor, and
/// alpha = rank makes scale and strength equal. Writes atomically. Throws Error{kUsage} for
/// an update with shifts, which an adapter cannot carry, or without any layer, Error{kInsufficient}
/// for values that are not finite.
void write_lora(const std::string& path, const RouterUpdate& update);

/// Reads an adapter written by write_lora, for `mascing mask verify` and other exports. Throws
/// Error{kBadInput} for a damaged file (also one that does not match its checksum), another kind of
/// GGUF, or an adapter that mascing did not write.
[[nodiscard]] RouterUpdate read_lora(const std::string& path);

}  // namespace mascing
