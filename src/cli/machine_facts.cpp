// Linux: /proc and the files of control groups.
#include "cli/machine_facts.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <limits>
#include <sstream>
#include <thread>
#include <utility>

#include <sys/resource.h>

#include "base/files.h"
#include "base/text.h"
#include "mascing/error.h"

namespace mascing::cli {
namespace {

/// The text behind "KEY:" in a file of such lines; empty without one.
std::string value_in(const char* path, const std::string& key) {
  std::ifstream file(path);
  std::string line;
  while (std::getline(file, line)) {
    if (line.starts_with(key)) {
      const size_t colon = line.find(':');
      return colon == std::string::npos ? "" : trim(line.substr(colon + 1));
    }
  }
  return "";
}

/// A number at the start of a text; -1 if there is none, such as in "max".
int64_t leading_number(const std::string& text) {
  std::istringstream in(text);
  int64_t number = -1;
  return in >> number ? number : -1;
}

int64_t number_in(const char* path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return leading_number(line);
}

std::optional<int64_t> available_memory() {
  std::optional<int64_t> least;
  const auto limit = [&least](int64_t bytes) {
    if (bytes >= 0) {
      least = least ? std::min(*least, bytes) : bytes;
    }
  };
  const int64_t kib = leading_number(value_in("/proc/meminfo", "MemAvailable"));
  limit(kib < 0 ? -1 : kib * 1024);
  for (const auto& [most, now] :
       {std::pair{"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"},
        std::pair{"/sys/fs/cgroup/memory/memory.limit_in_bytes",
                  "/sys/fs/cgroup/memory/memory.usage_in_bytes"}}) {
    const int64_t n_most = number_in(most);
    limit(n_most < 0 ? -1 : std::max<int64_t>(0, n_most - std::max<int64_t>(0, number_in(now))));
  }
  rlimit of_process{};
  if (getrlimit(RLIMIT_AS, &of_process) == 0 && of_process.rlim_cur != RLIM_INFINITY) {
    limit(static_cast<int64_t>(
        std::min<uint64_t>(of_process.rlim_cur, std::numeric_limits<int64_t>::max())));
  }
  return least;
}

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
  facts.memory_bytes = available_memory();
  return facts;
}

FolderFacts folder_facts(const std::string& path, bool with_size) {
  FolderFacts facts;
  facts.path = path;
  std::error_code ignored;
  std::filesystem::path existing = std::filesystem::absolute(path, ignored);
  while (!std::filesystem::exists(existing, ignored) && existing.has_relative_path()) {
    existing = existing.parent_path();
  }
  const auto space = std::filesystem::space(existing, ignored);
  facts.free_bytes = ignored ? 0 : static_cast<int64_t>(space.available);
  facts.is_writable = can_write_to(existing.string());
  facts.used_bytes = with_size ? size_of_folder(path) : 0;
  return facts;
}

}  // namespace mascing::cli
