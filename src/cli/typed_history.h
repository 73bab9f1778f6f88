// The lines that somebody typed at prompts of this program, in a file that only they can read.
#pragma once

#include <string>
#include <vector>

namespace mascing::cli {

/// $XDG_STATE_HOME/mascing/NAME-history, or within ~/.local/state. Empty where there is no such
/// folder, and with MASCING_HISTORY=off.
[[nodiscard]] std::string history_file(const std::string& name);

/// One line of UTF-8 each, the last thousand or more. Two programs may write at once.
class TypedHistory {
 public:
  /// Reads the file and gives it mode 0600; an empty path keeps nothing. A file that cannot be read
  /// or written is warned of once and then left alone.
  explicit TypedHistory(std::string path);

  [[nodiscard]] const std::vector<std::string>& lines() const { return lines_; }
  /// Keeps a line at once, unless it is empty, the one before, begins with a space, is very long,
  /// or holds control characters.
  void add(const std::string& line);

 private:
  void give_up(const std::string& what);

  std::string path_;
  std::vector<std::string> lines_;
};

}  // namespace mascing::cli
