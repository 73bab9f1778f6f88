// A strict view of TOML tables: every value is asked for by name, type and range, and every
// complaint carries file and line. toml++ itself stays in toml_reader.cpp.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace mascing {

/// Closed interval a number must lie in; with `is_open`, its ends are excluded.
struct Range {
  double low = 0.0;
  double high = 0.0;
  bool is_open = false;
};

/// One table. A getter whose key is absent leaves `value` as it is, so the caller's default stands;
/// a value of the wrong type or outside its range throws Error{kUsage} that begins with "file:line:
/// ".
class TomlTable {
 public:
  /// Parses a document. Throws Error{kUsage} with file, line and what toml++ found wrong.
  [[nodiscard]] static TomlTable parse(const std::string& text, const std::string& file);

  /// Throws Error{kUsage} on the first key, in the order of the file, that is not among `known`;
  /// the hint names the nearest known one.
  void expect_keys(const std::vector<std::string>& known) const;
  /// Throws Error{kUsage} with the table's own line if the key is absent.
  void require(const std::string& key) const;
  [[nodiscard]] bool has(const std::string& key) const;

  void get(const std::string& key, std::string& value) const;
  void get(const std::string& key, bool& value) const;
  void get(const std::string& key, int64_t& value, Range range) const;
  void get(const std::string& key, double& value, Range range) const;
  /// Lists must not be empty and hold one type; a complaint names the element's own line.
  void get(const std::string& key, std::vector<std::string>& value) const;
  void get(const std::string& key, std::vector<int64_t>& value, Range range) const;
  void get(const std::string& key, std::vector<double>& value, Range range) const;
  /// One of `words`; a complaint names them all. Returns the index, or `otherwise` if the key is
  /// absent.
  [[nodiscard]] size_t get_word(const std::string& key,
                                const std::vector<std::string>& words,
                                size_t otherwise = 0) const;

  /// `path`, which the key gives, from `folder`. Throws Error{kUsage} if that is no file.
  [[nodiscard]] std::string existing_file(const std::string& key,
                                          const std::string& path,
                                          const std::filesystem::path& folder) const;

  /// The table `[key]`; an empty one if absent.
  [[nodiscard]] TomlTable table(const std::string& key) const;
  /// The tables `[[key]]` in their order; none if absent.
  [[nodiscard]] std::vector<TomlTable> tables(const std::string& key) const;

  /// Throws Error{kUsage} "file:line: message" with the line of the key (of element `i_element`, if
  /// it is a list); of the table if the key is absent or empty.
  [[noreturn]] void fail(const std::string& key,
                         const std::string& message,
                         const std::string& hint,
                         int64_t i_element = -1) const;

 private:
  struct Node;
  TomlTable(std::shared_ptr<const Node> node, std::string name);

  std::shared_ptr<const Node> node_;
  std::string name_;  // "[search]", or "the scenario" for the root
};

}  // namespace mascing
