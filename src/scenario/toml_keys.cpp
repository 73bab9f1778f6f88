// Strings and comments are passed over; what ends a key or a value starts the count again.
#include "scenario/toml_keys.h"

#include <algorithm>
#include <string>

namespace mascing {
namespace {

/// Behind the string whose quote stands at `begin`; one of a single line ends with the line at the
/// latest.
size_t end_of_string(std::string_view text, size_t begin) {
  const char quote = text[begin];
  const bool is_long = text.substr(begin, 3) == std::string(3, quote);
  const std::string_view mark = text.substr(begin, is_long ? 3 : 1);
  for (size_t at = begin + mark.size(); at < text.size(); ++at) {
    if (text.substr(at, mark.size()) == mark) {
      // A long one may end with quotes of its own.
      const size_t end = is_long ? text.find_first_not_of(quote, at) : at + 1;
      return std::min(end, text.size());
    }
    if (!is_long && text[at] == '\n') {
      return at;
    }
    at += quote == '"' && text[at] == '\\' ? 1 : 0;
  }
  return text.size();
}

}  // namespace

int64_t line_of_long_key(std::string_view text, int64_t n_most) {
  constexpr std::string_view kEnds = "\n=,[]{}";
  int64_t n_dot = 0;
  for (size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '"' || c == '\'') {
      at = end_of_string(text, at) - 1;
    } else if (c == '#') {
      at = std::min(text.find('\n', at), text.size()) - 1;
    } else if (kEnds.find(c) != std::string_view::npos) {
      n_dot = 0;
    } else if (c == '.' && ++n_dot > n_most) {
      return std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n') + 1;
    }
  }
  return 0;
}

}  // namespace mascing
