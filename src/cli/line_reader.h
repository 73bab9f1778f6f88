// Lines from a pipe, or from somebody at a terminal: edited, and found again with the arrow keys.
#pragma once

#include <iosfwd>
#include <optional>
#include <string>

#include "cli/line_editor.h"
#include "cli/typed_history.h"

namespace mascing::cli {

/// The next line of `in` as it is; false at the end. Throws Error{kInterrupted} if Ctrl-C came
/// meanwhile, where that does not end the program itself.
[[nodiscard]] bool read_plain_line(std::istream& in, std::string& line);

class LineReader {
 public:
  /// `in` must be std::cin where lines `is_interactive`. `history` is the file of earlier lines,
  /// empty to keep none; it is not touched unless lines are edited.
  LineReader(std::istream& in, bool is_interactive, const std::string& history);

  [[nodiscard]] bool is_interactive() const { return is_interactive_; }
  /// The next line; somebody at a terminal sees `prompt` on stderr. False at the end. Throws
  /// Error{kInterrupted} where Ctrl-C does not end the program itself.
  [[nodiscard]] bool read(const std::string& prompt, std::string& line);
  /// True for "y" and "yes". The answer is kept nowhere.
  [[nodiscard]] bool agrees(const std::string& question);

 private:
  [[nodiscard]] bool take(const std::string& prompt, bool is_bold, std::string& line);

  std::istream& in_;
  bool is_interactive_;
  LineEditor editor_;
  bool is_edited_;
  std::optional<TypedHistory> history_;
};

/// Before the one look at the test split.
[[nodiscard]] bool agrees_to_test(LineReader& lines);

}  // namespace mascing::cli
