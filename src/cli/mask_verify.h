// `mascing mask verify`.
#pragma once

#include <string>

namespace mascing::cli {

/// Prints the kind of the file and the mask it contains. `model` is the model it should belong to,
/// or empty. Throws Error{kUsage} for a model where there is nothing to compare it with,
/// Error{kMismatch} if it belongs to another one, Error{kBadInput} if it is damaged or was changed
/// after the export.
void verify_file(const std::string& path, const std::string& model);

}  // namespace mascing::cli
