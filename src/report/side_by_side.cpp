// Wraps the lines first and pads them afterwards.
#include "report/side_by_side.h"

#include <algorithm>

#include "report/ansi.h"
#include "report/columns.h"
#include "report/word_diff.h"

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

std::vector<std::string> words_of(const std::vector<std::string>& lines) {
  std::vector<std::string> words;
  for (const std::string& line : lines) {
    for (size_t at = 0; (at = line.find_first_not_of(' ', at)) != std::string::npos;) {
      const size_t end = std::min(line.find(' ', at), line.size());
      words.push_back(line.substr(at, end - at));
      at = end;
    }
  }
  return words;
}

/// Colours the marked words of the lines; `i_word` counts them over all lines.
void colour_words(const std::vector<bool>& marks,
                  const char* colour,
                  std::vector<std::string>& lines) {
  size_t i_word = 0;
  for (std::string& line : lines) {
    for (size_t at = 0; (at = line.find_first_not_of(' ', at)) != std::string::npos;) {
      size_t end = std::min(line.find(' ', at), line.size());
      if (marks[i_word++]) {
        const std::string start = std::string(colour) + ansi::kUnderlined;
        line.insert(end, ansi::kReset);
        line.insert(at, start);
        end += start.size() + std::string(ansi::kReset).size();
      }
      at = end;
    }
  }
}

/// The texts as lines of the same width, the words that only one has coloured if wanted.
struct WrappedTexts {
  std::vector<std::string> left;
  std::vector<std::string> right;
};

WrappedTexts wrap_texts(
    const TitledText& left, const TitledText& right, size_t width, bool is_padded, bool colour) {
  WrappedTexts lines{wrap_lines(left.text, width), wrap_lines(right.text, width)};
  const bool is_marked = colour && !left.is_remark && !right.is_remark;
  const WordMarks marks =
      is_marked ? differing_words(words_of(lines.left), words_of(lines.right)) : WordMarks{};
  if (is_padded) {
    lines.left.resize(std::max(lines.left.size(), lines.right.size()));
    for (std::string& line : lines.left) {
      line = padded(line, width, true);
    }
  }
  if (is_marked) {
    colour_words(marks.left, ansi::kRed, lines.left);
    colour_words(marks.right, ansi::kGreen, lines.right);
  }
  return lines;
}

std::string below(const std::string& title, const std::vector<std::string>& lines, bool colour) {
  std::string result = bold(printable(title), colour) + "\n";
  for (const std::string& line : lines) {
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
    const WrappedTexts lines =
        wrap_texts(left, right, std::max(width, 4 * kIndent) - kIndent, false, colour);
    return below(left.title, lines.left, colour) + below(right.title, lines.right, colour);
  }
  const size_t n_column = (width - kGapWidth) / 2;
  const auto title = [&](const TitledText& text) {
    return bold(padded(shortened(printable(text.title), n_column), n_column, true), colour);
  };
  std::string result = title(left) + kGap + title(right) + "\n";
  const WrappedTexts lines = wrap_texts(left, right, n_column, true, colour);
  for (size_t i = 0; i < lines.left.size(); ++i) {
    const std::string line =
        lines.left[i] + kGap + (i < lines.right.size() ? lines.right[i] : std::string());
    result += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  return result;
}

}  // namespace mascing
