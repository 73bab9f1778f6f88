// One more validator for each option, chosen by the type that CLI11 names in the help.
#include "cli/strict_options.h"

#include <charconv>
#include <cmath>
#include <cstdint>
#include <string>
#include <system_error>

#include "base/text.h"

namespace mascing::cli {
namespace {

template <typename Number>
bool is_number(const std::string& word) {
  const bool has_sign = word.starts_with('+');  // as the C library has it
  Number value{};
  const char* begin = word.data() + (has_sign ? 1 : 0);
  const char* end = word.data() + word.size();
  const auto [stop, failure] = std::from_chars(begin, end, value);
  return failure == std::errc{} && stop == end && std::isfinite(static_cast<double>(value)) &&
         !(has_sign && word.size() > 1 && word[1] == '-');
}

template <typename Number>
std::string refuse_other(const std::string& word, const char* expected) {
  return is_number<Number>(word) ? "" : "'" + printable(word) + "' is not " + expected;
}

std::string refuse_no_integer(const std::string& word) {
  return refuse_other<int64_t>(word, "a whole number in decimal digits");
}

std::string refuse_no_count(const std::string& word) {
  return refuse_other<uint64_t>(word, "a whole number from 0 to 18446744073709551615");
}

std::string refuse_no_real(const std::string& word) {
  return refuse_other<double>(word, "a finite decimal number");
}

std::string refuse_empty(const std::string& word) {
  return word.empty() ? "an empty value; omit the option instead" : "";
}

std::string refuse_no_text(const std::string& word) {
  return is_valid_utf8(word) ? "" : "'" + printable(word) + "' is not UTF-8";
}

/// Where "-" is standard output; elsewhere it would be a file of this name.
bool writes_to_standard_output(const CLI::App& command) {
  return command.get_name() == "import" || command.get_name() == "report";
}

std::string refuse_standard_output(const std::string& word) {
  return word == "-" ? "this command does not write to standard output; name a file or folder" : "";
}

void make_strict(CLI::Option& option) {
  const std::string type = option.get_type_name();
  if (option.get_items_expected_max() == 0) {
    return;  // a flag
  }
  if (type.starts_with("INT")) {
    option.check(refuse_no_integer);
  } else if (type.starts_with("UINT")) {
    option.check(refuse_no_count);
  } else if (type.starts_with("FLOAT")) {
    option.check(refuse_no_real);
  } else if (option.check_lname("system")) {  // no system prompt is one, too
    option.check(refuse_no_text);
  } else {
    option.check(refuse_empty);
  }
}

}  // namespace

void make_strict(CLI::App& app) {
  for (CLI::Option* option : app.get_options()) {
    make_strict(*option);
    if (option->check_lname("output") && !writes_to_standard_output(app)) {
      option->check(refuse_standard_output);
    }
  }
  for (CLI::App* command : app.get_subcommands(nullptr)) {
    make_strict(*command);
  }
}

}  // namespace mascing::cli
