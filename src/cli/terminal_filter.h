// Keeps text from files, models and servers from steering the terminal: names, metadata and replies
// are printed in many places, and all of them write to std::cout or std::cerr.
#pragma once

#include <ostream>
#include <streambuf>
#include <string>
#include <string_view>

namespace mascing::cli {

/// A buffer before another one. Control characters (is_control_character in base/text.h) and bytes
/// that are not UTF-8 become "?"; line breaks, tabs and the colours of our own tables pass. Without
/// `is_terminal`, what may stand raw in JSON and in data for other programs passes as well: all but
/// the ASCII controls.
class TerminalFilter : public std::streambuf {
 public:
  /// Takes the place of the stream's buffer until it is destroyed.
  TerminalFilter(std::ostream& stream, bool is_terminal);
  TerminalFilter(const TerminalFilter&) = delete;
  TerminalFilter& operator=(const TerminalFilter&) = delete;
  ~TerminalFilter() override;

  void put_raw(std::string_view text);

 protected:
  int_type overflow(int_type byte) override;
  std::streamsize xsputn(const char* text, std::streamsize n) override;
  int sync() override;

 private:
  /// Passes on what is complete. A character or colour may come in pieces; unless it `is_end`, the
  /// beginning of one is kept.
  bool pass_on(bool is_end);

  std::ostream& stream_;
  std::streambuf* target_;
  bool is_terminal_;
  std::string waiting_;
};

/// Writes a control sequence of our own, past the filter of the stream if it has one.
void put_raw(std::ostream& stream, std::string_view text);

}  // namespace mascing::cli
