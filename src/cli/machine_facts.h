// What a machine offers: processor, memory, room on disk.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace mascing::cli {

struct MachineFacts {
  std::string processor;  ///< empty where the system does not tell
  int64_t n_core = 1;
  /// What a new process can have, in bytes: the least of free memory, the container's limit and
  /// `ulimit -v`. Empty where the system does not tell.
  std::optional<int64_t> memory_bytes;
};
[[nodiscard]] MachineFacts machine_facts();

struct FolderFacts {
  std::string path;
  bool is_writable = false;  ///< or can be made
  int64_t free_bytes = 0;    ///< on its file system
  int64_t used_bytes = 0;    ///< by the files in it, where `with_size` asked for it
};
/// A folder that does not exist is asked about where it would be made; none is made.
[[nodiscard]] FolderFacts folder_facts(const std::string& path, bool with_size);

}  // namespace mascing::cli
