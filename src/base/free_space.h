// How much memory and disk is to be had.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace mascing {

/// What a new process can have, in bytes: the least of free memory, the container's limit and
/// `ulimit -v`. Empty where the system does not tell.
[[nodiscard]] std::optional<int64_t> free_memory();

/// Bytes free on the file system of a path; of one that does not exist, where it would be made.
/// Empty where the system does not tell.
[[nodiscard]] std::optional<int64_t> free_disk(const std::string& path);

/// The path, or the nearest folder above it that exists.
[[nodiscard]] std::string nearest_existing(const std::string& path);

/// The text behind "KEY:" in a file of such lines, as in /proc; empty without one.
[[nodiscard]] std::string value_in(const std::string& path, const std::string& key);

}  // namespace mascing
