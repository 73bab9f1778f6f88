// The JSON values of a file, one by one and as text: the lines of JSONL, the elements of one array,
// or those of the one array of objects that is a member of one object. Only the end of each value
// is found here; nothing else is parsed.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "format/import/byte_reader.h"

namespace mascing {

struct JsonItem {
  int64_t line = 0;     ///< where it begins; the first line of a file is 1
  int64_t element = 0;  ///< its number in its array, from 1; 0 for lines
  std::string text;
  bool is_too_long = false;  ///< more bytes than the reader keeps; `text` is empty
};

/// Values one by one; memory is bounded by the longest one that is kept. Also serves plain text,
/// whose lines end where those of JSONL do.
class JsonItemReader {
 public:
  enum class Form { kLines, kArray, kMember };

  JsonItemReader(ByteReader bytes, Form form, int64_t n_max_byte)
      : bytes_(std::move(bytes)), form_(form), n_max_byte_(n_max_byte) {}

  /// False at the end; blank lines are passed over. Throws Error{kBadInput} naming the line if an
  /// array or the object around it is not closed, if something other than white space follows, or
  /// if an object has no member that is an array of objects, or a second one.
  [[nodiscard]] bool next(JsonItem& item);
  [[nodiscard]] Form form() const { return form_; }
  [[nodiscard]] int64_t n_line() const { return line_ + (is_in_line_ ? 1 : 0); }
  [[nodiscard]] int64_t position() const { return bytes_.position(); }
  /// For who keeps bytes of it (ByteReader::keep), or takes them over.
  [[nodiscard]] ByteReader& bytes() { return bytes_; }

 private:
  [[nodiscard]] bool next_line(JsonItem& item);
  [[nodiscard]] bool next_element(JsonItem& item);
  [[nodiscard]] bool find_element();
  [[nodiscard]] bool find_list();
  void open_member();
  void close_member();
  void expect_end();
  [[nodiscard]] bool ends_element(char c);
  void pass(size_t n);

  ByteReader bytes_;
  Form form_;
  int64_t n_max_byte_;
  int64_t line_ = 0;         // finished lines
  bool is_in_line_ = false;  // a line was begun
  int64_t n_element_ = 0;    // of an array, so far
  bool is_open_ = false;     // the array's bracket was passed
  int64_t depth_ = 0;        // within an element
  bool is_in_text_ = false;
  bool is_escaped_ = false;
};

}  // namespace mascing
