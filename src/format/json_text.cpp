// JSON parsing through nlohmann's parser, its exceptions translated.
#include "format/json_text.h"

#include "base/text.h"
#include "mascing/error.h"

namespace mascing {

namespace {

constexpr int kMaxDepth = 32;

// "[json.exception.parse_error.101] parse error at line 1, column 5: syntax ..." -> "syntax ..."
std::string reason_of(const std::string& message) {
  const size_t colon = message.find(": ");
  return printable(colon == std::string::npos ? message : message.substr(colon + 2), 200);
}

}  // namespace

nlohmann::json parse_json(std::string_view text,
                          const std::string& where,
                          const std::string& hint) {
  using nlohmann::json;
  const auto bound_depth = [&](int depth, json::parse_event_t, json&) {
    if (depth > kMaxDepth) {
      throw Error(ErrorKind::kBadInput, where + ": invalid JSON: nested too deeply", hint);
    }
    return true;
  };
  if (!is_valid_utf8(text)) {
    throw Error(ErrorKind::kBadInput, where + ": invalid UTF-8", hint);
  }
  try {
    return json::parse(text.begin(), text.end(), bound_depth);
  } catch (const json::parse_error& failure) {
    throw Error(ErrorKind::kBadInput,
                where + ": invalid JSON at byte " + std::to_string(failure.byte) + ": " +
                    reason_of(failure.what()),
                hint);
  } catch (const json::exception& failure) {
    throw Error(ErrorKind::kBadInput, where + ": invalid JSON: " + reason_of(failure.what()), hint);
  }
}

int64_t whole_number(const nlohmann::json& value) {
  constexpr int kTypeError = 302;
  const bool is_beyond = value.is_number_unsigned() && value.get<uint64_t>() > INT64_MAX;
  if (!value.is_number_integer() || is_beyond) {
    throw nlohmann::json::type_error::create(kTypeError, "expected a whole number", &value);
  }
  return value.get<int64_t>();
}

std::vector<int64_t> whole_numbers(const nlohmann::json& list) {
  std::vector<int64_t> numbers;
  for (const nlohmann::json& value : list) {
    numbers.push_back(whole_number(value));
  }
  return numbers;
}

}  // namespace mascing
