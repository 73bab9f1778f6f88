#include "cli/machine_facts.h"

#include <algorithm>
#include <filesystem>
#include <thread>

#include "base/files.h"
#include "base/free_space.h"
#include "mascing/error.h"

namespace mascing::cli {
namespace {

int64_t size_of_folder(const std::string& path) {
  int64_t n_byte = 0;
  std::error_code failure;
  for (std::filesystem::recursive_directory_iterator at(path, failure), end; !failure && at != end;
       at.increment(failure)) {
    std::error_code ignored;
    if (at->is_regular_file(ignored) && !at->is_symlink(ignored)) {
      n_byte += static_cast<int64_t>(at->file_size(ignored));
    }
  }
  return n_byte;
}

/// By trying: rights alone do not tell of read-only and special file systems.
bool can_write_to(const std::string& folder) {
  try {
    const AtomicFile probe(path_within(folder, "mascing-doctor"));
    return true;
  } catch (const Error&) {
    return false;
  }
}

}  // namespace

MachineFacts machine_facts() {
  MachineFacts facts;
  facts.processor = value_in("/proc/cpuinfo", "model name");
  facts.n_core = std::max(1U, std::thread::hardware_concurrency());
  facts.memory_bytes = free_memory();
  return facts;
}

FolderFacts folder_facts(const std::string& path, bool with_size) {
  FolderFacts facts;
  facts.path = path;
  facts.free_bytes = free_disk(path).value_or(0);
  facts.is_writable = can_write_to(nearest_existing(path));
  facts.used_bytes = with_size ? size_of_folder(path) : 0;
  return facts;
}

}  // namespace mascing::cli
