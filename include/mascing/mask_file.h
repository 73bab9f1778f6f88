// The mask file: a GGUF with general.type "mascing.mask".
#pragma once

#include <string>

#include "mascing/mask.h"

namespace mascing {

/// Writes atomically; the same mask gives the same bytes. Throws what Mask::validate throws, or
/// Error{kSystem}.
void write_mask(const std::string& path, const Mask& mask);

/// Reads and validates. Throws Error{kBadInput} if the file is damaged, another kind of GGUF (a
/// model, an adapter), or of a newer format version.
[[nodiscard]] Mask read_mask(const std::string& path);

}  // namespace mascing
