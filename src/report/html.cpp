// String concatenation, with all escaping in one place.
#include "report/html.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/text.h"

namespace mascing {
namespace {

constexpr size_t kManyColumns = 8;  // more are set in smaller type

/// What stands for a character that means something in HTML; null for others.
const char* entity_of(char c) {
  switch (c) {
    case '&':
      return "&amp;";
    case '<':
      return "&lt;";
    case '>':
      return "&gt;";
    case '"':
      return "&quot;";
    case '\'':
      return "&#39;";
    default:
      return nullptr;
  }
}

}  // namespace

// Marks that turn the direction of writing could make a page show what nobody wrote.
std::string escape_html(const std::string& text) {
  std::string result;
  result.reserve(text.size());
  for (size_t i = 0; i < text.size();) {
    const size_t n = utf8_size(text, i);
    const std::string_view character(text.data() + i, std::max<size_t>(n, 1));
    const char c = character.front();
    if (n == 0) {
      result += '?';
    } else if (const char* entity = n == 1 ? entity_of(c) : nullptr) {
      result += entity;
    } else if (c == '\n' || c == '\t' || !is_control_character(character)) {
      result += character;
    }
    i += character.size();
  }
  return result;
}

std::string with_narrow_gaps(const std::string& text) {
  constexpr size_t kGroup = 3;
  const auto is_digit = [&](size_t i) {
    return i < text.size() && text[i] >= '0' && text[i] <= '9';
  };
  const auto n_digit_from = [&](size_t i) {
    size_t n = 0;
    while (is_digit(i + n)) {
      ++n;
    }
    return n;
  };
  std::string result;
  size_t n_before = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool is_gap =
        text[i] == ' ' && n_before >= 1 && n_before <= kGroup && n_digit_from(i + 1) == kGroup;
    result += is_gap ? "\u202f" : std::string(1, text[i]);
    n_before = is_digit(i) ? n_before + 1 : 0;
  }
  return result;
}

HtmlTable::HtmlTable(const std::string& caption, std::vector<HtmlColumn> columns)
    : columns_(std::move(columns)) {
  head_ = std::string("<div class=\"scroll\"><table") +
          (columns_.size() > kManyColumns ? " class=\"wide\"" : "") + "><caption>" +
          escape_html(caption) + "</caption><thead><tr>";
  for (const HtmlColumn& column : columns_) {
    head_ += std::string("<th scope=\"col\"") + (column.is_number ? " class=\"number\">" : ">") +
             escape_html(column.heading) + "</th>";
  }
  head_ += "</tr></thead><tbody>\n";
}

void HtmlTable::add_row(const std::vector<std::string>& cells, const std::string& row_class) {
  body_ += row_class.empty() ? "<tr>" : "<tr class=\"" + escape_html(row_class) + "\">";
  for (size_t i = 0; i < cells.size() && i < columns_.size(); ++i) {
    const std::string tag = i == 0 ? "th" : "td";
    body_.append("<").append(tag).append(i == 0 ? " scope=\"row\"" : "");
    body_.append(columns_[i].is_number ? " class=\"number\">" : ">");
    body_.append(cells[i] == "-"         ? "&ndash;"  // as the terminal's tables write it
                 : columns_[i].is_number ? with_narrow_gaps(cells[i])
                                         : cells[i]);
    body_.append("</").append(tag).append(">");
  }
  body_ += "</tr>\n";
}

std::string HtmlTable::html() const {
  return head_ + body_ + "</tbody></table></div>\n";
}

std::string html_section(const std::string& id,
                         const std::string& heading,
                         const std::string& body) {
  if (body.empty()) {
    return "";
  }
  return "<section aria-labelledby=\"" + id + "\"><h2 id=\"" + id + "\">" + escape_html(heading) +
         "</h2>\n" + body + "</section>\n";
}

std::string html_paragraph(const std::string& text) {
  return "<p>" + with_narrow_gaps(escape_html(text)) + "</p>\n";
}

std::string html_command(const std::string& text) {
  return "<pre class=\"command\" tabindex=\"0\"><code>" + escape_html(text) + "</code></pre>\n";
}

}  // namespace mascing
