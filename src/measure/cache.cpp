// One file per entry, named by the SHA-256 of context and key. The first line of a file is the hash
// of the rest, so that a damaged file is recomputed.
#include "measure/cache.h"

#include <filesystem>

#include <nlohmann/json.hpp>

#include "base/files.h"
#include "base/sha256.h"
#include "mascing/version.h"

namespace mascing {
namespace {

constexpr size_t kCacheDigits = 40;  // digits of a hash used in file names

/// The text of an entry's file, if the file is intact.
std::optional<std::string> entry_text(const std::string& content) {
  const size_t line = content.find('\n');
  if (line == std::string::npos ||
      content.substr(0, line) != sha256_hex(content.substr(line + 1))) {
    return std::nullopt;
  }
  return content.substr(line + 1);
}

}  // namespace

std::string context_key(const ModelInfo& info, int64_t n_thread, const std::string& host_key) {
  const nlohmann::json key = {version(), info.identity, n_thread, host_key};
  return key.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

Cache::Cache(std::string folder, std::string context)
    : folder_(std::move(folder)), context_(std::move(context)) {
  ensure_directory(folder_);
}

std::string Cache::path_of(const std::string& key) const {
  return folder_ + "/" + sha256_hex(context_ + '\x1e' + key).substr(0, kCacheDigits) + ".json";
}

std::optional<std::string> Cache::get(const std::string& key) const {
  const std::string path = path_of(key);
  if (!file_exists(path)) {
    return std::nullopt;
  }
  return entry_text(read_text_file(path));
}

void Cache::put(const std::string& key, const std::string& text) const {
  write_file_atomically(path_of(key), sha256_hex(text) + "\n" + text);
}

void Cache::take_from(const std::string& folder) const {
  std::error_code failure;  // a missing folder has no entries
  for (const auto& entry : std::filesystem::directory_iterator(folder, failure)) {
    const std::filesystem::path& path = entry.path();
    const std::string here = folder_ + "/" + path.filename().string();
    const bool is_entry =
        path.extension() == ".json" && path.stem().string().size() == kCacheDigits;
    if (!is_entry || file_exists(here)) {
      continue;
    }
    const std::string content = read_text_file(path.string());
    if (entry_text(content)) {
      write_file_atomically(here, content);
    }
  }
}

}  // namespace mascing
