// The first bytes decide how the file is written; names in the header, or in the first objects,
// decide the format.
#include "format/import/row_source.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <utility>

#include "base/append.h"
#include "base/files.h"
#include "base/text.h"
#include "format/import/csv_header.h"
#include "format/json_text.h"
#include "mascing/error.h"

namespace mascing {

namespace {

using nlohmann::json;

constexpr size_t kFirstLook = 4096;
constexpr size_t kMostKept = size_t{64} << 20;  // of a pipe
constexpr size_t kReadAhead = 50;  // rows that may be broken before the format must show
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

struct Foreign {
  std::string_view begin;
  const char* what;
  const char* hint;
};

constexpr std::array<Foreign, 8> kForeign = {{
    {"\x1F\x8B", "is compressed (gzip)", "unpack it first: gunzip FILE"},
    {"BZh", "is compressed (bzip2)", "unpack it first: bunzip2 FILE"},
    {"\xFD"
     "7zXZ",
     "is compressed (xz)",
     "unpack it first: unxz FILE"},
    {"\x28\xB5\x2F\xFD", "is compressed (zstd)", "unpack it first: unzstd FILE"},
    {"PK\x03\x04", "is a ZIP archive (or a spreadsheet)", "unpack it, or save the sheet as CSV"},
    {"PAR1", "is a Parquet file", "save it as CSV or JSON lines first"},
    {"\xFF\xFE", "is UTF-16", "make it UTF-8 first: iconv -f UTF-16 -t UTF-8"},
    {"\xFE\xFF", "is UTF-16", "make it UTF-8 first: iconv -f UTF-16 -t UTF-8"},
}};

std::string list_of(const std::vector<std::string>& names) {
  std::string list;
  for (const std::string& name : names) {
    list += (list.empty() ? "" : ", ") + printable(name, 30);
    if (list.size() > 200) {
      return list + ", ...";
    }
  }
  return list;
}

std::string known_formats() {
  std::string list;
  for (const ImportFormat& format : import_formats()) {
    list += (list.empty() ? "" : ", ") + std::string(format.name);
  }
  return "see `mascing import --help` for the formats; --format sets one of " + list;
}

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// Gives the row the object's values under our names; of names that differ in case the first.
void take_values(const json& object,
                 const ColumnNames& renamed,
                 std::set<std::string>& found,
                 ImportRow& row) {
  std::vector<std::string> names;
  for (const auto& item : object.items()) {
    names.push_back(item.key());
  }
  names = our_names(names, renamed, found);
  size_t i = 0;
  for (const auto& item : object.items()) {
    const std::string& name = names[i++];
    const auto [at, is_new] = row.values.emplace(name, item.value());
    if (!is_new && *at != item.value()) {
      row.names_twice.insert(name);
    }
  }
}

void refuse_text(ImportRow& row, std::string_view text) {
  if (text.find('\0') != std::string_view::npos) {
    row.refuse("nul_byte", "contains a NUL byte");
  } else if (!is_valid_utf8(text)) {
    row.refuse("invalid_utf8", "is not UTF-8 (iconv can convert the file)");
  }
}

void refuse_length(ImportRow& row, int64_t n_max_byte) {
  row.refuse("too_long", "is longer than " + std::to_string(n_max_byte) + " bytes");
}

}  // namespace

RowSource::RowSource(const std::string& path,
                     const ImportFormat* format,
                     int64_t n_max_byte,
                     ColumnNames renamed,
                     const std::function<void()>& watch)
    : name_(file_name(path)),
      n_max_byte_(n_max_byte),
      format_(format),
      renamed_(std::move(renamed)) {
  ByteReader bytes = ByteReader::open(path, watch);
  for (const Foreign& foreign : kForeign) {
    if (bytes.peek(kFirstLook).substr(0, foreign.begin.size()) == foreign.begin) {
      fail(foreign.what, foreign.hint);
    }
  }
  if (bytes.peek(kFirstLook).substr(0, kByteOrderMark.size()) == kByteOrderMark) {
    bytes.skip(kByteOrderMark.size());
  }
  const std::string_view begin = bytes.peek(kFirstLook);
  const size_t first = begin.find_first_not_of(" \t\r\n");
  if (begin.empty() || (first == std::string_view::npos && begin.size() < kFirstLook)) {
    throw Error(ErrorKind::kInsufficient,
                "[import] " + name_ + ": the file is empty",
                "check whether the download was interrupted");
  }
  const char sign = first == std::string_view::npos ? '\0' : begin[first];
  const std::string lower = to_lower_ascii(path);
  const bool is_text = format_ == nullptr && lower.size() > 4 && lower.ends_with(".txt");
  if (is_text) {
    format_ = find_format("text");
  }
  const bool is_plain = format_ != nullptr && format_->is_plain_text;
  if ((is_plain || (sign != '{' && sign != '[')) && has_old_line_ends(begin, !is_plain)) {
    fail("lines end with CR alone, as on old Macs", "convert it first: tr '\\r' '\\n' < FILE");
  }
  if (is_plain) {
    refuse_columns_of_text();
    items_.emplace(std::move(bytes), JsonItemReader::Form::kLines, n_max_byte_);
  } else if (sign == '{' || sign == '[') {
    open_json(std::move(bytes), sign, path);
  } else {
    open_csv(std::move(bytes));
  }
}

void RowSource::refuse_columns_of_text() const {
  for (const ColumnName& column : renamed_) {
    if (!column.is_optional) {
      fail("plain text has no column \"" + printable(column.theirs) + "\"; a line is a request",
           "omit --column, or set another --format");
    }
  }
}

/// A file that begins with a brace holds an object in each line, or one object around the rows.
void RowSource::open_json(ByteReader bytes, char sign, const std::string& path) {
  const auto form = sign == '{' ? JsonItemReader::Form::kLines : JsonItemReader::Form::kArray;
  const bool is_pipe = !std::filesystem::is_regular_file(path);
  if (is_pipe) {
    bytes.keep(kMostKept);
  }
  items_.emplace(std::move(bytes), form, n_max_byte_);
  try {
    recognise_items();
    items_->bytes().forget();
  } catch (const Error& failure) {
    if (sign != '{') {
      throw;
    }
    read_ahead_.clear();
    if (is_pipe && !items_->bytes().go_back()) {
      throw Error(failure.kind(), failure.what(), "save what the pipe gives into a file first");
    }
    ByteReader again = is_pipe ? std::move(items_->bytes()) : ByteReader::open(path);
    items_.emplace(std::move(again), JsonItemReader::Form::kMember, n_max_byte_);
    try {
      recognise_items();
      return;
    } catch (const Error&) {
      // The first failure says more.
    }
    throw;
  }
}

void RowSource::open_csv(ByteReader bytes) {
  const char delimiter = find_delimiter(bytes.peek(kFirstLook), format_, renamed_);
  csv_.emplace(std::move(bytes), delimiter, n_max_byte_);
  CsvRecord header;
  try {
    if (!csv_->next(header)) {
      fail("line 1: no header line was found", known_formats());
    }
  } catch (const Error& error) {
    fail(error.what(), error.hint());
  }
  columns_ = our_names(header.fields, renamed_, found_);
  for (const std::string& column : columns_) {
    if (!is_valid_utf8(column) || column.find('\0') != std::string::npos) {
      fail("line " + std::to_string(header.line) + ": the header is not text", known_formats());
    }
  }
  settle_format(columns_, header.line);
  const auto twice = column_twice(columns_, *format_);
  if (twice) {
    fail("line " + std::to_string(header.line) + ": the columns \"" +
             printable(header.fields[twice->first]) + "\" and \"" +
             printable(header.fields[twice->second]) + "\" are both \"" +
             printable(columns_[twice->first]) + "\"",
         "rename or remove one of them; which one counts cannot be told");
  }
}

/// Reads on until a row shows the format; what was read is given by next() later.
void RowSource::recognise_items() {
  std::string seen = "no line is a JSON object";
  while (read_ahead_.size() < kReadAhead) {
    ImportRow row;
    if (!read(row)) {
      break;
    }
    read_ahead_.push_back(std::move(row));
    const ImportRow& latest = read_ahead_.back();
    if (latest.is_refused()) {
      seen = row_word() + std::to_string(latest.line) + ": " + latest.skip().detail;
      continue;
    }
    std::vector<std::string> names;
    for (const auto& item : latest.values.items()) {
      names.push_back(item.key());
    }
    if (format_ != nullptr || recognise_format(names) != nullptr) {
      settle_format(names, latest.line);
      return;
    }
    seen = row_word() + std::to_string(latest.line) + " has " + list_of(names);
  }
  fail("unknown format; " + seen, known_formats());
}

void RowSource::settle_format(const std::vector<std::string>& names, int64_t line) {
  const std::string where = row_word() + std::to_string(line) + ": ";
  for (const ColumnName& column : renamed_) {
    if (!column.is_optional && !contains(names, column.own)) {
      fail(where + "no column \"" + printable(column.theirs) + "\"; there is " + list_of(names),
           "give --column the name of a column of the file");
    }
  }
  if (format_ == nullptr) {
    const auto* found = recognise_format(names);
    if (found == nullptr) {
      require_known_name(where);
      fail(where + "no known format has the columns " + list_of(names),
           "name the column that holds the request, --column request=NAME, or " + known_formats());
    }
    format_ = found;
  }
  require_use(names, where);
  for (const std::string& need : format_->needs) {
    if (!contains(names, need)) {
      std::string what = where;
      what.append("the format ").append(format_->name).append(" needs \"").append(need);
      fail(what.append("\"; there is ").append(list_of(names)),
           "omit --format to detect it, or correct the header");
    }
  }
}

/// Where no format is recognised: --column may give a column a name that none has a use for.
void RowSource::require_known_name(const std::string& where) const {
  std::vector<std::string> known;
  for (const ImportFormat& format : import_formats()) {
    append(format.needs, known);
    append(format.takes, known);
  }
  for (const ColumnName& column : renamed_) {
    const std::string nearest = closest_match(column.own, known);
    if (!contains(known, column.own) && !nearest.empty()) {
      fail(where + "no format has a use for \"" + printable(column.own) +
               "\", the name that --column gives \"" + printable(column.theirs) + "\"",
           "did you mean " + nearest + "?");
    }
  }
}

/// A column that is given a name should have an effect.
void RowSource::require_use(const std::vector<std::string>& names, const std::string& where) const {
  for (const ColumnName& column : renamed_) {
    if (!contains(names, column.own) || has_use_for(*format_, column.own)) {
      continue;
    }
    std::vector<std::string> known = format_->needs;
    append(format_->takes, known);
    const std::string nearest = closest_match(column.own, known);
    fail(where + "the format " + format_->name + " has no use for \"" + printable(column.own) +
             "\", the name that --column gives \"" + printable(column.theirs) + "\"",
         nearest.empty() ? "it knows " + list_of(known) : "did you mean " + nearest + "?");
  }
}

bool RowSource::next(ImportRow& row) {
  if (!read_ahead_.empty()) {
    row = std::move(read_ahead_.front());
    read_ahead_.pop_front();
  } else if (!read(row)) {
    return false;
  }
  for (const std::string& name : row.names_twice) {
    if (has_use_for(*format_, name)) {
      row.refuse("equal_keys", "several keys are \"" + name + "\", with different values");
    }
  }
  return true;
}

bool RowSource::read(ImportRow& row) {
  row = {};
  try {
    return csv_ ? read_record(row) : read_item(row);
  } catch (const Error& error) {
    fail(error.what(), error.hint());
  }
}

bool RowSource::read_record(ImportRow& row) {
  CsvRecord record;
  if (!csv_->next(record)) {
    return false;
  }
  row.line = record.line;
  if (record.is_too_long) {
    refuse_length(row, n_max_byte_);
  } else if (record.broken_quote_line > 0) {
    row.refuse("broken_quotes",
               "text follows a closing quote in line " + std::to_string(record.broken_quote_line));
  } else if (record.fields.size() > columns_.size()) {
    row.refuse("wrong_columns",
               "has " + std::to_string(record.fields.size()) + " cells, expected " +
                   std::to_string(columns_.size()));
  }
  for (size_t i = 0; i < record.fields.size() && !row.is_refused(); ++i) {
    if (record.fields[i].empty()) {
      continue;
    }
    refuse_text(row, record.fields[i]);
    row.values.emplace(columns_[i], std::move(record.fields[i]));
  }
  return true;
}

bool RowSource::read_item(ImportRow& row) {
  JsonItem item;
  if (!items_->next(item)) {
    return false;
  }
  row.line = counts_elements() ? item.element : item.line;
  if (item.is_too_long) {
    refuse_length(row, n_max_byte_);
    return true;
  }
  refuse_text(row, item.text);
  if (row.is_refused()) {
    return true;
  }
  if (format_ != nullptr && format_->is_plain_text) {
    row.values["prompt"] = std::move(item.text);
    return true;
  }
  const json value = row.parse(item.text, "the row");
  if (!row.is_refused() && !value.is_object()) {
    row.refuse("invalid_json", std::string("the row is a ") + value.type_name());
  } else if (!row.is_refused()) {
    take_values(value, renamed_, found_, row);
  }
  return true;
}

bool RowSource::counts_elements() const {
  return items_ && items_->form() != JsonItemReader::Form::kLines;
}

int64_t RowSource::n_line() const {
  return csv_ ? csv_->n_line() : items_->n_line();
}

int64_t RowSource::position() const {
  return csv_ ? csv_->position() : items_->position();
}

void RowSource::fail(const std::string& text, const std::string& hint) const {
  throw Error(ErrorKind::kBadInput, "[import] " + name_ + ": " + text, hint);
}

}  // namespace mascing
