// String concatenation, with all escaping in one place.
#include "report/html.h"

#include <utility>

#include "base/hidden_characters.h"
#include "base/text.h"

namespace mascing {
namespace {

constexpr size_t kManyColumns = 8;  // more are set in smaller type

}  // namespace

std::string escape_html(const std::string& text) {
  const bool is_utf8 = is_valid_utf8(text);
  std::string result;
  result.reserve(text.size());
  for (size_t at = 0; at < text.size(); ++at) {
    if (const size_t n_hidden = hidden_character(text, at); n_hidden > 0) {
      at += n_hidden - 1;
      continue;
    }
    const char c = text[at];
    const auto byte = static_cast<unsigned char>(c);
    switch (c) {
      case '&':
        result += "&amp;";
        break;
      case '<':
        result += "&lt;";
        break;
      case '>':
        result += "&gt;";
        break;
      case '"':
        result += "&quot;";
        break;
      case '\'':
        result += "&#39;";
        break;
      default:
        if (byte >= 0x80 && !is_utf8) {
          result += '?';
        } else if (byte >= 0x20 ? byte != 0x7F : c == '\n' || c == '\t') {
          result += c;
        }
    }
  }
  return result;
}

HtmlTable::HtmlTable(const std::string& caption, std::vector<HtmlColumn> columns)
    : columns_(std::move(columns)) {
  head_ = "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"" +
          escape_html(caption) + "\"><table" +
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
    body_.append(columns_[i].is_number ? " class=\"number\">" : ">").append(cells[i]);
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
  return "<p>" + escape_html(text) + "</p>\n";
}

}  // namespace mascing
