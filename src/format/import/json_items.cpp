// Lines end at line breaks; elements of an array at a comma or bracket outside texts and nested
// values.
#include "format/import/json_items.h"

#include <algorithm>

#include "mascing/error.h"

namespace mascing {

namespace {

constexpr size_t kLook = 256;  // white space between a bracket and the first row
constexpr std::string_view kSpaces = " \t\r\n";

void keep_bytes(JsonItem& item, std::string_view bytes, int64_t n_max_byte) {
  if (item.is_too_long) {
    return;
  }
  if (static_cast<int64_t>(item.text.size() + bytes.size()) > n_max_byte) {
    item.is_too_long = true;
    item.text.clear();
    return;
  }
  item.text += bytes;
}

bool is_blank(const std::string& text) {
  return text.find_first_not_of(kSpaces) == std::string::npos;
}

}  // namespace

bool JsonItemReader::next(JsonItem& item) {
  return form_ == Form::kLines ? next_line(item) : next_element(item);
}

void JsonItemReader::pass(size_t n) {
  const std::string_view bytes = bytes_.peek().substr(0, n);
  line_ += std::count(bytes.begin(), bytes.end(), '\n');
  if (!bytes.empty()) {
    is_in_line_ = bytes.back() != '\n';
  }
  bytes_.skip(n);
}

bool JsonItemReader::next_line(JsonItem& item) {
  do {
    item = {};
    item.line = line_ + 1;
    std::string_view rest = bytes_.peek();
    if (rest.empty()) {
      return false;
    }
    bool is_done = false;
    for (; !is_done && !rest.empty(); rest = bytes_.peek()) {
      const size_t end = rest.find('\n');
      is_done = end != std::string_view::npos;
      keep_bytes(item, rest.substr(0, end), n_max_byte_);
      pass(is_done ? end + 1 : rest.size());
    }
  } while (!item.is_too_long && is_blank(item.text));
  if (!item.text.empty() && item.text.back() == '\r') {
    item.text.pop_back();
  }
  return true;
}

bool JsonItemReader::next_element(JsonItem& item) {
  if (!find_element()) {
    return false;
  }
  item = {};
  item.line = line_ + 1;
  item.element = ++n_element_;
  depth_ = 0;
  is_in_text_ = false;
  is_escaped_ = false;
  for (std::string_view rest = bytes_.peek(); !rest.empty(); rest = bytes_.peek()) {
    size_t n = 0;
    while (n < rest.size() && !ends_element(rest[n])) {
      ++n;
    }
    const bool is_end = n < rest.size();
    keep_bytes(item, rest.substr(0, n), n_max_byte_);
    pass(n);
    if (is_end) {
      return true;
    }
  }
  throw Error(ErrorKind::kBadInput,
              "line " + std::to_string(item.line) +
                  ": the file ends within the array element that starts here",
              "the file is truncated; download it again");
}

/// Passes the array's bracket, commas and white space; false after the closing bracket.
bool JsonItemReader::find_element() {
  if (form_ == Form::kMember && !is_open_) {
    open_member();
  }
  for (std::string_view rest = bytes_.peek(); !rest.empty(); rest = bytes_.peek()) {
    const size_t n = is_open_ ? rest.find_first_not_of(" \t\r\n,") : rest.find('[');
    pass(std::min(n, rest.size()));
    if (n == std::string_view::npos) {
      continue;
    }
    if (!is_open_) {
      is_open_ = true;
      pass(1);
      continue;
    }
    if (rest[n] != ']') {
      return true;
    }
    pass(1);
    if (form_ == Form::kMember) {
      close_member();
    }
    expect_end();
    return false;
  }
  throw Error(ErrorKind::kBadInput,
              "line " + std::to_string(n_line()) + ": the file ends before its array is closed",
              "the file is truncated; download it again");
}

/// Passes over everything up to the bracket of the next array of objects in the outermost object;
/// false at the end of that object.
bool JsonItemReader::find_list() {
  for (std::string_view rest = bytes_.peek(kLook); !rest.empty(); rest = bytes_.peek(kLook)) {
    const char c = rest.front();
    const size_t next = std::min(rest.find_first_not_of(kSpaces, 1), rest.size() - 1);
    const bool is_found = !is_in_text_ && depth_ == 1 && c == '[' && rest[next] == '{';
    (void)ends_element(c);
    pass(1);
    if (is_found || (c == '}' && depth_ == 0 && !is_in_text_)) {
      return is_found;
    }
  }
  throw Error(ErrorKind::kBadInput,
              "line " + std::to_string(n_line()) + ": the file ends before its object is closed",
              "the file is truncated; download it again");
}

void JsonItemReader::open_member() {
  if (!find_list()) {
    throw Error(ErrorKind::kBadInput,
                "no member of the object is a list of rows",
                "rows come as JSON lines, as an array, or as an array in an object");
  }
  is_open_ = true;
}

/// Behind the bracket that closes the list.
void JsonItemReader::close_member() {
  depth_ = 1;
  is_in_text_ = false;
  is_escaped_ = false;
  if (find_list()) {
    throw Error(ErrorKind::kBadInput,
                "line " + std::to_string(n_line()) + ": the object has a second list of rows",
                "put each list into a file of its own and import the files one by one");
  }
}

void JsonItemReader::expect_end() {
  for (std::string_view rest = bytes_.peek(); !rest.empty(); rest = bytes_.peek()) {
    const size_t n = rest.find_first_not_of(kSpaces);
    pass(std::min(n, rest.size()));
    if (n != std::string_view::npos) {
      throw Error(ErrorKind::kBadInput,
                  "line " + std::to_string(line_ + 1) +
                      ": unexpected content after the end of the " +
                      (form_ == Form::kArray ? "array" : "object"),
                  "a file must contain one array, or one JSON object per line");
    }
  }
}

bool JsonItemReader::ends_element(char c) {
  if (is_in_text_) {
    const bool is_end = c == '"' && !is_escaped_;
    is_escaped_ = c == '\\' && !is_escaped_;
    is_in_text_ = !is_end;
    return false;
  }
  if (c == '"') {
    is_in_text_ = true;
  } else if (c == '{' || c == '[') {
    ++depth_;
  } else if (depth_ == 0 && (c == ',' || c == ']')) {
    return true;
  } else if (c == '}' || c == ']') {
    depth_ = std::max<int64_t>(0, depth_ - 1);
  }
  return false;
}

}  // namespace mascing
