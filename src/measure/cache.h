// Disk cache of measurements: small texts under the hash of all their inputs, each written
// atomically. An interrupted or repeated run resumes from the entries
// it finds.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "mascing/model_info.h"

namespace mascing {

/// Everything but the question that what a model says depends on: version, model, threads and
/// options of the host.
[[nodiscard]] std::string context_key(const ModelInfo& info,
                                      int64_t n_thread,
                                      const std::string& host_key);

class Cache {
 public:
  /// Creates `folder`. `context` is hashed into every key and covers everything shared by all
  /// entries, such as tool version and model.
  Cache(std::string folder, std::string context);

  /// The text stored under `key`, or nothing.
  [[nodiscard]] std::optional<std::string> get(const std::string& key) const;
  void put(const std::string& key, const std::string& text) const;
  /// Copies intact entries that are missing here from the folder of another cache.
  void take_from(const std::string& folder) const;

 private:
  [[nodiscard]] std::string path_of(const std::string& key) const;

  std::string folder_;
  std::string context_;
};

}  // namespace mascing
