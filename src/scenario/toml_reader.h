// A strict view of TOML tables. Every value is read by name, type and range, and every error has
// file and line. Only toml_reader.cpp depends on toml++.
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

/// One table. If a key is absent, the getter leaves `value` unchanged, so the caller's default
/// applies. A value of the wrong type or out of range throws Error{kUsage} that starts with
/// "file:line: ".
class TomlTable {
 public:
  /// Parses a document. Throws Error{kUsage} with file, line and the reason from toml++.
  [[nodiscard]] static TomlTable parse(const std::string& text, const std::string& file);

  /// Throws Error{kUsage} for the first key in the file that is not among `known`; the hint names
  /// the closest known key.
  void expect_keys(const std::vector<std::string>& known) const;
  /// Throws Error{kUsage} with the table's own line if the key is absent.
  void require(const std::string& key) const;
  [[nodiscard]] bool has(const std::string& key) const;
  /// Where a list of nothing means something.
  [[nodiscard]] bool has_empty_list(const std::string& key) const;

  void get(const std::string& key, std::string& value) const;
  void get(const std::string& key, bool& value) const;
  void get(const std::string& key, int64_t& value, Range range) const;
  void get(const std::string& key, double& value, Range range) const;
  /// Lists must not be empty and must have a single type; errors give the line of the element.
  void get(const std::string& key, std::vector<std::string>& value) const;
  void get(const std::string& key, std::vector<int64_t>& value, Range range) const;
  void get(const std::string& key, std::vector<double>& value, Range range) const;
  /// Index of the value in `words`, or `otherwise` if the key is absent. Errors list all
  /// words.
  [[nodiscard]] size_t get_word(const std::string& key,
                                const std::vector<std::string>& words,
                                size_t otherwise = 0) const;

  /// Resolves `path`, the value of the key, in `folder`. Throws Error{kUsage} if it is not a file.
  [[nodiscard]] std::string existing_file(const std::string& key,
                                          const std::string& path,
                                          const std::filesystem::path& folder) const;

  /// The table `[key]`, or an empty one if absent.
  [[nodiscard]] TomlTable table(const std::string& key) const;
  /// The tables `[[key]]` in file order; none if absent.
  [[nodiscard]] std::vector<TomlTable> tables(const std::string& key) const;

  /// Throws Error{kUsage} "file:line: message" with the line of the key (or of element `i_element`
  /// of a list), or of the table if the key is absent or empty.
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
