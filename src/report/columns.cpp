// Computes column widths first, then pads the cells.
#include "report/columns.h"

#include <algorithm>

#include "base/text.h"

namespace mascing {
namespace {

constexpr size_t kLineWidth = 80;
constexpr size_t kLeastCell = 10;  // a last cell is not cut to less

}  // namespace

std::string printable(const std::string& text) {
  std::string result;
  for (size_t at = 0; at < text.size();) {
    const size_t n = utf8_size(text, at);
    const std::string character = text.substr(at, std::max<size_t>(n, 1));
    const bool is_space = character == "\n" || character == "\t";
    const bool is_hidden = n > 0 && is_control_character(character);
    result += n == 0 ? "?" : is_space ? " " : is_hidden ? "" : character;
    at += character.size();
  }
  return result;
}

size_t width_of(const std::string& text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
  }));
}

std::string padded(const std::string& text, size_t width, bool is_left) {
  const std::string gap(width - std::min(width, width_of(text)), ' ');
  return is_left ? text + gap : gap + text;
}

std::string shortened(const std::string& text, size_t width) {
  return text.size() <= width ? text : text.substr(0, width - 1) + "~";
}

std::string wrapped(const std::string& start, const std::string& text, size_t indent) {
  std::string result = start;
  size_t column = width_of(start);
  size_t at = 0;
  while (at < text.size()) {
    size_t end = std::min(text.find(' ', at), text.size());
    if (text.compare(end, 2, " %") == 0 || text.compare(end, 7, " points") == 0) {
      end = std::min(text.find(' ', end + 1), text.size());  // a unit stays with its number
    }
    const std::string word = text.substr(at, end - at);
    at = end + 1;
    if (word.empty()) {
      continue;
    }
    if (column + 1 + width_of(word) > kLineWidth && column > indent) {
      result.append("\n").append(indent, ' ');
      column = indent;
    } else if (column > indent) {
      result += ' ';
      ++column;
    }
    result += word;
    column += width_of(word);
  }
  return result + "\n";
}

std::string aligned(const std::vector<std::vector<std::string>>& rows,
                    const std::vector<bool>& is_left) {
  std::vector<size_t> widths(is_left.size(), 0);
  for (const auto& row : rows) {
    for (size_t i = 0; i < widths.size(); ++i) {
      widths[i] = std::max(widths[i], width_of(row.at(i)));
    }
  }
  std::string text;
  for (const auto& row : rows) {
    std::string line;
    for (size_t i = 0; i < widths.size(); ++i) {
      const std::string gap = i == 0 ? "" : "  ";
      const size_t n_taken = width_of(line) + gap.size();
      const bool is_last = i + 1 == widths.size() && n_taken + kLeastCell < kLineWidth;
      const std::string cell = is_last ? shortened(row[i], kLineWidth - n_taken) : row[i];
      line +=
          gap +
          padded(cell, is_last ? std::min(widths[i], kLineWidth - n_taken) : widths[i], is_left[i]);
    }
    text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  return text;
}

}  // namespace mascing
