// Comma-separated values as found in practice: RFC 4180 with any of three delimiters, line breaks
// and doubled quotes within quotes, LF or CRLF. Malformed records are reported as such.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "format/import/byte_reader.h"

namespace mascing {

struct CsvRecord {
  int64_t line = 0;  ///< where it begins; the first line of a file is 1
  std::vector<std::string> fields;
  bool is_too_long = false;       ///< more bytes than the reader keeps; `fields` is empty
  int64_t broken_quote_line = 0;  ///< where text follows a closing quote; 0 = nowhere
};

/// Reads records one by one; memory is bounded by the longest record that is kept.
class CsvReader {
 public:
  CsvReader(ByteReader bytes, char delimiter, int64_t n_max_byte)
      : bytes_(std::move(bytes)), delimiter_(delimiter), n_max_byte_(n_max_byte) {}

  /// False at the end of the file. Lines without any character are passed over. Throws
  /// Error{kBadInput} naming the line if a quote is never closed.
  [[nodiscard]] bool next(CsvRecord& record);
  [[nodiscard]] int64_t n_line() const { return line_; }
  [[nodiscard]] int64_t position() const { return bytes_.position(); }

 private:
  enum class State { kFieldStart, kPlain, kQuoted, kQuoteSeen };

  void take(char c, CsvRecord& record);
  void take_unquoted(char c, CsvRecord& record);
  void end_field(CsvRecord& record);
  void keep(char c, CsvRecord& record);

  ByteReader bytes_;
  char delimiter_;
  int64_t n_max_byte_;
  State state_ = State::kFieldStart;
  std::string field_;
  int64_t n_byte_ = 0;      // of this record
  int64_t line_ = 0;        // finished lines
  int64_t quote_line_ = 0;  // where the last quote was opened
  bool is_done_ = false;    // the record is complete
};

}  // namespace mascing
