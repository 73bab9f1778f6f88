// Lines that fit are left as they are, and so are their own indents.
#include "cli/messages.h"

#include <sstream>

#include <unistd.h>

#include "report/columns.h"

namespace mascing::cli {
namespace {

constexpr size_t kMessageColumns = 80;

}  // namespace

std::string message_text(const std::string& start, const std::string& text, size_t indent) {
  const bool is_folded = isatty(STDERR_FILENO) == 1;
  std::istringstream lines(text);
  std::string message;
  std::string line;
  for (std::string begin = start; std::getline(lines, line) || message.empty(); begin.clear()) {
    std::string whole = begin;
    whole.append(begin.empty() ? "" : " ").append(line);
    const bool fits = !is_folded || width_of(whole) <= kMessageColumns;
    message += fits ? whole + "\n" : mascing::wrapped(begin, line, begin.empty() ? 0 : indent);
  }
  return message;
}

std::string error_text(const std::string& message,
                       const std::string& hint,
                       const std::string& start) {
  constexpr size_t kIndent = 2;
  constexpr size_t kHintIndent = 4;
  return message_text(start, message, kIndent) +
         (hint.empty() ? "" : message_text("  hint:", hint, kHintIndent));
}

}  // namespace mascing::cli
