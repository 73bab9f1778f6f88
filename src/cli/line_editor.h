// Typing at a terminal with the keys that people expect: libedit where the build found it
// (line_editor_libedit.cpp), otherwise nothing (line_editor_none.cpp).
#pragma once

#include <memory>
#include <string>

namespace mascing::cli {

class LineEditor {
 public:
  enum class Typed { kLine, kEnd, kStopped };

  LineEditor();
  LineEditor(const LineEditor&) = delete;
  LineEditor& operator=(const LineEditor&) = delete;
  ~LineEditor();

  /// The library's name, for `mascing doctor`; empty in a build without one.
  [[nodiscard]] static std::string library();
  /// False without a library, unless standard input and error are a terminal that can move its
  /// cursor. Nothing else may then be called.
  [[nodiscard]] bool works() const;
  /// Puts a line where the arrow keys find it.
  void remember(const std::string& line);
  /// Shows `prompt` on standard error, in bold if `is_bold`, and reads a line of UTF-8, without its
  /// end. Ctrl-D on an empty line is kEnd. A signal such as Ctrl-C is raised again once the
  /// terminal is as before; if the process survives it, the outcome is kStopped.
  [[nodiscard]] Typed read(const std::string& prompt, bool is_bold, std::string& line);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace mascing::cli
