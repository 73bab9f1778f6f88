// A state machine of four states, one byte at a time.
#include "format/import/csv_reader.h"

#include "mascing/error.h"

namespace mascing {

namespace {

constexpr size_t kMaxFields = 4096;  // empty cells take memory without taking bytes

}  // namespace

bool CsvReader::next(CsvRecord& record) {
  do {
    record = {};
    record.line = line_ + 1;
    state_ = State::kFieldStart;
    field_.clear();
    n_byte_ = 0;
    is_done_ = false;
    bool is_any = false;
    std::string_view rest;
    while (!is_done_ && !(rest = bytes_.peek()).empty()) {
      size_t n = 0;
      while (n < rest.size() && !is_done_) {
        take(rest[n++], record);
      }
      bytes_.skip(n);
      is_any = true;
    }
    if (!is_any) {
      return false;
    }
    if (!is_done_) {  // the last line of a file may lack its line break
      if (state_ == State::kQuoted) {
        throw Error(ErrorKind::kBadInput,
                    "line " + std::to_string(quote_line_) +
                        ": a quote is never closed, so the rest of the file "
                        "is in one cell",
                    "write quotes within a cell as \"\", or close this one");
      }
      end_field(record);
      ++line_;
    }
  } while (!record.is_too_long && record.fields.size() == 1 && record.fields[0].empty());
  return true;
}

void CsvReader::take(char c, CsvRecord& record) {
  line_ += c == '\n' ? 1 : 0;
  switch (state_) {
    case State::kQuoted:
      if (c == '"') {
        state_ = State::kQuoteSeen;
      } else {
        keep(c, record);
      }
      return;
    case State::kQuoteSeen:
      if (c == '"') {
        state_ = State::kQuoted;
        keep(c, record);
        return;
      }
      if (c != delimiter_ && c != '\n' && c != '\r' && c != ' ') {
        record.broken_quote_line = line_ + 1;
      }
      state_ = c == ' ' || c == '\r' ? State::kQuoteSeen : State::kPlain;
      if (state_ == State::kPlain) {
        take_unquoted(c, record);
      }
      return;
    case State::kFieldStart:
      if (c == '"') {
        state_ = State::kQuoted;
        quote_line_ = line_ + 1;
        return;
      }
      [[fallthrough]];
    case State::kPlain:
      take_unquoted(c, record);
  }
}

void CsvReader::take_unquoted(char c, CsvRecord& record) {
  if (c == '\n') {
    if (!field_.empty() && field_.back() == '\r') {
      field_.pop_back();
    }
    end_field(record);
    is_done_ = true;
  } else if (c == delimiter_) {
    end_field(record);
    state_ = State::kFieldStart;
  } else {
    state_ = State::kPlain;
    keep(c, record);
  }
}

void CsvReader::end_field(CsvRecord& record) {
  if (record.fields.size() == kMaxFields) {
    record.is_too_long = true;
    record.fields.clear();
  }
  if (!record.is_too_long) {
    record.fields.push_back(std::move(field_));
  }
  field_.clear();
}

void CsvReader::keep(char c, CsvRecord& record) {
  if (record.is_too_long) {
    return;
  }
  if (++n_byte_ > n_max_byte_) {
    record.is_too_long = true;
    record.fields.clear();
    field_.clear();
    return;
  }
  field_ += c;
}

}  // namespace mascing
