// Wraps the lines first and pads them afterwards.
#include "report/side_by_side.h"

#include <algorithm>

#include "report/ansi.h"
#include "report/columns.h"

namespace mascing {
namespace {

constexpr const char* kGap = " | ";
constexpr size_t kGapWidth = 3;
constexpr size_t kIndent = 2;  // of the text below its title

/// Number of bytes of `text` from `at` that fit in `width` columns.
size_t bytes_within(const std::string& text, size_t at, size_t width) {
  size_t n_column = 0;
  size_t end = at;
  while (end < text.size()) {
    const bool starts_column = (static_cast<unsigned char>(text[end]) & 0xC0U) != 0x80U;
    if (starts_column && ++n_column > width) {
      break;
    }
    ++end;
  }
  return end - at;
}

/// Wraps one line of the text, without control characters, to at most `width` columns.
void wrap_line(const std::string& text, size_t width, std::vector<std::string>& lines) {
  const std::string plain = printable(text);
  std::string line;
  for (size_t at = 0; at < plain.size();) {
    const size_t end = std::min(plain.find(' ', at), plain.size());
    std::string word = plain.substr(at, end - at);
    at = end + 1;
    const size_t n_column = width_of(line);
    if (!line.empty() && n_column + 1 + width_of(word) > width) {
      lines.push_back(std::move(line));
      line.clear();
    } else if (!line.empty()) {
      line += ' ';
    }
    while (width_of(word) > width) {
      const size_t n_byte = bytes_within(word, 0, width);
      lines.push_back(word.substr(0, n_byte));
      word.erase(0, n_byte);
    }
    line += word;
  }
  lines.push_back(std::move(line));
}

std::string bold(const std::string& text, bool colour) {
  return colour ? ansi::kBold + text + ansi::kReset : text;
}

std::string below(const TitledText& text, size_t width, bool colour) {
  std::string result = bold(printable(text.title), colour) + "\n";
  for (const std::string& line : wrap_lines(text.text, std::max(width, 4 * kIndent) - kIndent)) {
    result += line.empty() ? "\n" : std::string(kIndent, ' ') + line + "\n";
  }
  return result;
}

}  // namespace

std::vector<std::string> wrap_lines(const std::string& text, size_t width) {
  std::vector<std::string> lines;
  for (size_t at = 0; at <= text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    wrap_line(text.substr(at, end - at), std::max<size_t>(1, width), lines);
    at = end + 1;
  }
  return lines;
}

std::string side_by_side(const TitledText& left,
                         const TitledText& right,
                         size_t width,
                         bool colour) {
  if (width < kWideTerminal) {
    return below(left, width, colour) + below(right, width, colour);
  }
  const size_t n_column = (width - kGapWidth) / 2;
  const auto title = [&](const TitledText& text) {
    return bold(padded(shortened(printable(text.title), n_column), n_column, true), colour);
  };
  std::string result = title(left) + kGap + title(right) + "\n";
  const std::vector<std::string> on_left = wrap_lines(left.text, n_column);
  const std::vector<std::string> on_right = wrap_lines(right.text, n_column);
  for (size_t i = 0; i < std::max(on_left.size(), on_right.size()); ++i) {
    const std::string first = i < on_left.size() ? on_left[i] : "";
    const std::string second = i < on_right.size() ? on_right[i] : "";
    const std::string line = padded(first, n_column, true) + kGap + second;
    result += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  return result;
}

}  // namespace mascing
