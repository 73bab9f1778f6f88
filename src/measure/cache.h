// Measurements that are computed once: small texts under the hash of all they depend on, each
// written whole or not at all, so that a run that was interrupted or repeated goes on from what is
// there.
#pragma once

#include <optional>
#include <string>

namespace mascing {

class Cache {
 public:
  /// Creates `folder`. `context` is hashed into every key: tool version, model, everything that all
  /// entries share.
  Cache(std::string folder, std::string context);

  /// The text stored under `key`, or nothing.
  [[nodiscard]] std::optional<std::string> get(const std::string& key) const;
  void put(const std::string& key, const std::string& text) const;
  /// Copies the whole entries of another cache's folder that are missing here.
  void take_from(const std::string& folder) const;

 private:
  [[nodiscard]] std::string path_of(const std::string& key) const;

  std::string folder_;
  std::string context_;
};

}  // namespace mascing
