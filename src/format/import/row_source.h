// The rows of one file: finds out how the file is written (JSON lines, a JSON array, CSV with one
// of three delimiters, plain text) and which format it is, then gives one row after the other.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "format/import/column_names.h"
#include "format/import/csv_reader.h"
#include "format/import/formats.h"
#include "format/import/json_items.h"

namespace mascing {

class RowSource {
 public:
  /// `format` null: recognised by the header or the first objects. Throws Error{kBadInput} for a
  /// file that is missing, compressed, of another encoding, or of no known format,
  /// Error{kInsufficient} for an empty one.
  /// `renamed`: columns that go by another name here; Error{kBadInput} if one of them is missing
  /// that is not optional, or if the format has no use for it. `watch` is asked while a pipe is
  /// waited for (byte_reader.h).
  RowSource(const std::string& path,
            const ImportFormat* format,
            int64_t n_max_byte,
            ColumnNames renamed = {},
            const std::function<void()>& watch = {});

  /// False at the end. A row that cannot be read is given as refused. Throws Error{kBadInput} where
  /// the rest of the file cannot be split into rows.
  [[nodiscard]] bool next(ImportRow& row);
  [[nodiscard]] const ImportFormat& format() const { return *format_; }
  /// The columns of `renamed` that were met so far, by the file's own names.
  [[nodiscard]] const std::set<std::string>& renamed_columns() const { return found_; }
  [[nodiscard]] int64_t n_line() const;
  /// Rows are elements of a JSON array, and ImportRow::line is their number: a whole file may be
  /// one line.
  [[nodiscard]] bool counts_elements() const;
  /// Bytes read so far.
  [[nodiscard]] int64_t position() const;

 private:
  void open_csv(ByteReader bytes);
  void open_json(ByteReader bytes, char sign, const std::string& path);
  void recognise_items();
  [[nodiscard]] bool read(ImportRow& row);
  [[nodiscard]] bool read_record(ImportRow& row);
  [[nodiscard]] bool read_item(ImportRow& row);
  [[nodiscard]] std::string row_word() const { return counts_elements() ? "element " : "line "; }
  void refuse_columns_of_text() const;
  void require_known_name(const std::string& where) const;
  void require_use(const std::vector<std::string>& names, const std::string& where) const;
  void settle_format(const std::vector<std::string>& names, int64_t line);
  [[noreturn]] void fail(const std::string& text, const std::string& hint) const;

  std::string name_;  // of the file, for messages
  int64_t n_max_byte_;
  const ImportFormat* format_;
  std::optional<CsvReader> csv_;
  std::optional<JsonItemReader> items_;
  ColumnNames renamed_;
  std::set<std::string> found_;  // of renamed_
  std::vector<std::string> columns_;
  std::deque<ImportRow> read_ahead_;
};

}  // namespace mascing
