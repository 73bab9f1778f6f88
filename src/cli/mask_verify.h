// `mascing mask verify`.
#pragma once

#include <string>

namespace mascing::cli {

/// Prints what the file is and which mask it carries. `model`: the model it should belong to, or
/// empty. Throws Error{kMismatch} if it belongs to another one, Error{kBadInput} if it is damaged
/// or was changed since.
void verify_file(const std::string& path, const std::string& model);

}  // namespace mascing::cli
