// NAME.tmp-NUMBER; a name that would become too long is replaced by its hash.
#include "base/temporary_name.h"

#include <charconv>
#include <filesystem>

#include "base/sha256.h"

namespace mascing {
namespace {

constexpr size_t kMaxNameBytes = 240;  // leaves room for the ending

/// What stands before the number, without the folder.
std::string temporary_stem(const std::string& path) {
  std::string name = std::filesystem::path(path).filename().string();
  if (name.size() > kMaxNameBytes) {
    name = sha256_hex(name).substr(0, 32);
  }
  return name + ".tmp-";
}

}  // namespace

std::string temporary_name(const std::string& path, int i) {
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  return (folder / (temporary_stem(path) + std::to_string(i))).string();
}

bool is_temporary_name(const std::string& name, const std::string& path) {
  const std::string stem = temporary_stem(path);
  if (!name.starts_with(stem)) {
    return false;
  }
  int i = -1;
  const char* const begin = name.data() + stem.size();
  const char* const end = name.data() + name.size();
  const auto read = std::from_chars(begin, end, i);
  return read.ec == std::errc{} && read.ptr == end && i >= 0 && stem + std::to_string(i) == name;
}

std::string folder_of(const std::string& path) {
  const std::string folder = std::filesystem::path(path).parent_path().string();
  return folder.empty() ? "." : folder;
}

}  // namespace mascing
