// Names of what is not finished.
#pragma once

#include <string>

namespace mascing {

constexpr int kMaxTemporaries = 100;  ///< processes that write one output at the same time

/// The i-th temporary name of an output, in its folder: "out/mask.gguf.tmp-0". It holds no process
/// number: what a killed process left would never be found by the next one.
[[nodiscard]] std::string temporary_name(const std::string& path, int i);

/// True if `name`, without its folder, is one of the temporary names of `path`.
[[nodiscard]] bool is_temporary_name(const std::string& name, const std::string& path);

/// The folder of a path; "." for a mere name.
[[nodiscard]] std::string folder_of(const std::string& path);

}  // namespace mascing
