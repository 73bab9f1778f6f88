// Linux: /proc and the files of control groups.
#include "base/free_space.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <limits>
#include <sstream>
#include <utility>

#include <sys/resource.h>

#include "base/text.h"

namespace mascing {
namespace {

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

}  // namespace

std::string value_in(const std::string& path, const std::string& key) {
  std::ifstream file(path);
  std::string line;
  while (std::getline(file, line)) {
    const size_t colon = line.find(':');
    if (colon != std::string::npos && trim(line.substr(0, colon)) == key) {
      return trim(line.substr(colon + 1));
    }
  }
  return "";
}

std::optional<int64_t> free_memory() {
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

std::string nearest_existing(const std::string& path) {
  std::error_code ignored;
  std::filesystem::path at = std::filesystem::absolute(path.empty() ? "." : path, ignored);
  while (!std::filesystem::exists(at, ignored) && at.has_relative_path()) {
    at = at.parent_path();
  }
  return at.string();
}

std::optional<int64_t> free_disk(const std::string& path) {
  std::error_code failure;
  const auto space = std::filesystem::space(nearest_existing(path), failure);
  return failure ? std::nullopt : std::optional(static_cast<int64_t>(space.available));
}

}  // namespace mascing
