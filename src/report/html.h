// Small helpers for writing HTML by hand: escaping, tables, sections.
#pragma once

#include <string>
#include <vector>

namespace mascing {

/// Escapes `text` for HTML text or a quoted attribute. Control characters and marks of
/// direction are removed; bytes that
/// are not valid UTF-8 become "?".
[[nodiscard]] std::string escape_html(const std::string& text);

/// Narrow spaces that do not break between groups of digits: "12 345" stays on its line.
[[nodiscard]] std::string with_narrow_gaps(const std::string& text);

/// A column of a table: its heading and whether its cells are numbers (aligned right).
struct HtmlColumn {
  std::string heading;  ///< plain text
  bool is_number = false;
};

/// A table with a caption, column headings, and the first cell of each row as the row heading.
class HtmlTable {
 public:
  /// `caption` is plain text.
  HtmlTable(const std::string& caption, std::vector<HtmlColumn> columns);
  /// Adds a row with one HTML cell per column. `row_class` may be empty.
  void add_row(const std::vector<std::string>& cells, const std::string& row_class = {});
  [[nodiscard]] std::string html() const;

 private:
  std::vector<HtmlColumn> columns_;
  std::string head_;
  std::string body_;
};

/// `<section>` with a level-2 heading; `body` is HTML. Empty if the body is empty.
[[nodiscard]] std::string html_section(const std::string& id,
                                       const std::string& heading,
                                       const std::string& body);
/// Commands, which the page's script gives a button to copy them.
[[nodiscard]] std::string html_command(const std::string& text);
/// `<p>` with plain text.
[[nodiscard]] std::string html_paragraph(const std::string& text);

}  // namespace mascing
