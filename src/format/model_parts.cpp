// Names as llama.cpp has them: the parts of a model differ in the number alone.
#include "format/model_parts.h"

#include <charconv>
#include <string_view>

#include "base/files.h"
#include "base/text.h"
#include "mascing/error.h"

namespace mascing {
namespace {

// Counted from 1 and padded to five digits.
std::string part_number(int64_t i) {
  const std::string digits = std::to_string(i);
  return std::string(digits.size() < 5 ? 5 - digits.size() : 0, '0') + digits;
}

// 1 for a name that is not that of a first part.
int64_t parts_by_name(const std::string& path) {
  constexpr std::string_view kOf = "-of-";
  const size_t at = path.rfind(kOf);
  int64_t n_part = 1;
  if (at != std::string::npos) {
    std::from_chars(path.data() + at + kOf.size(), path.data() + path.size(), n_part);
  }
  const bool is_first = n_part <= kMostParts && path.ends_with(split_suffix(0, n_part));
  return is_first ? n_part : 1;
}

}  // namespace

std::string split_suffix(int64_t i_part, int64_t n_part) {
  std::string suffix = "-";
  suffix += part_number(i_part + 1);
  suffix += "-of-" + part_number(n_part) + ".gguf";
  return suffix;
}

std::string part_path(const std::string& path, int64_t i_part, int64_t n_part) {
  if (n_part <= 1) {
    return path;
  }
  const std::string suffix = split_suffix(0, n_part);
  if (!path.ends_with(suffix)) {
    throw Error(ErrorKind::kUsage,
                "[model] " + printable(path) + ": should be the first of " +
                    std::to_string(n_part) + " parts, but its name does not show it",
                "choose a name that ends in " + suffix);
  }
  return path.substr(0, path.size() - suffix.size()) + split_suffix(i_part, n_part);
}

std::vector<std::string> files_of_model(const std::string& path) {
  const int64_t n_part = parts_by_name(path);
  std::vector<std::string> files = {path};
  for (int64_t i = 1; i < n_part; ++i) {
    const std::string part = part_path(path, i, n_part);
    if (file_exists(part)) {
      files.push_back(part);
    }
  }
  return files;
}

}  // namespace mascing
