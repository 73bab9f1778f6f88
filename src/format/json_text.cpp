// JSON parsing through nlohmann's parser, its exceptions translated.
#include "format/json_text.h"

#include <array>
#include <set>

#include "base/text.h"
#include "mascing/error.h"

namespace mascing {

using nlohmann::json;

namespace {

constexpr int kMaxDepth = 32;

// "[json.exception.parse_error.101] parse error at line 1, column 5: syntax ..." -> "syntax ..."
std::string reason_of(const std::string& message) {
  const size_t colon = message.find(": ");
  return printable(colon == std::string::npos ? message : message.substr(colon + 2), 200);
}

/// Counts keys while a text is parsed.
class KeyCounter {
 public:
  /// Of equal keys the parser keeps one: their object ends with fewer members than were counted.
  void count(int depth, json::parse_event_t event, const json& value) {
    if (event == json::parse_event_t::object_start) {
      n_key_.at(depth) = 0;
    } else if (event == json::parse_event_t::key) {
      ++n_key_.at(depth - 1);
    } else if (event == json::parse_event_t::object_end) {
      has_equal_keys_ = has_equal_keys_ || n_key_.at(depth) != value.size();
    }
  }
  [[nodiscard]] bool has_equal_keys() const { return has_equal_keys_; }

 private:
  std::array<size_t, kMaxDepth + 1> n_key_{};  // of the open object at each depth
  bool has_equal_keys_ = false;
};

}  // namespace

json parse_json(std::string_view text, const std::string& where, const std::string& hint) {
  const auto fail = [&](const std::string& what) {
    throw Error(ErrorKind::kBadInput, where + ": invalid " + what, hint);
  };
  KeyCounter keys;
  const auto look_on = [&](int depth, json::parse_event_t event, const json& value) {
    if (depth > kMaxDepth) {
      fail("JSON: nested too deeply");
    }
    keys.count(depth, event, value);
    return true;
  };
  if (!is_valid_utf8(text)) {
    fail("UTF-8");
  }
  json value;
  try {
    value = json::parse(text.begin(), text.end(), look_on);
  } catch (const json::parse_error& failure) {
    fail("JSON at byte " + std::to_string(failure.byte) + ": " + reason_of(failure.what()));
  } catch (const json::exception& failure) {
    fail("JSON: " + reason_of(failure.what()));
  }
  if (keys.has_equal_keys()) {
    fail("JSON: an object has two keys \"" + printable(key_twice(text).value_or("")) + "\"");
  }
  return value;
}

std::optional<std::string> key_twice(std::string_view text) {
  std::optional<std::string> found;
  std::vector<std::set<std::string>> keys;  // of the open objects
  const auto look_on = [&](int depth, json::parse_event_t event, const json& value) {
    if (depth > kMaxDepth) {
      throw Error(ErrorKind::kBadInput, "nested too deeply", "");
    }
    if (event == json::parse_event_t::object_start) {
      keys.emplace_back();
    } else if (event == json::parse_event_t::object_end) {
      keys.pop_back();
    } else if (event == json::parse_event_t::key && !found &&
               !keys.back().insert(value.get<std::string>()).second) {
      found = value.get<std::string>();
    }
    return true;
  };
  try {
    [[maybe_unused]] const json value = json::parse(text.begin(), text.end(), look_on, false);
  } catch (const Error&) {  // it has another fault
    return std::nullopt;
  }
  return found;
}

json parse_json_or_discard(std::string_view text) {
  try {
    return parse_json(text, {}, {});
  } catch (const Error&) {
    return json::value_t::discarded;
  }
}

int64_t whole_number(const json& value) {
  constexpr int kTypeError = 302;
  const bool is_beyond = value.is_number_unsigned() && value.get<uint64_t>() > INT64_MAX;
  if (!value.is_number_integer() || is_beyond) {
    throw json::type_error::create(kTypeError, "expected a whole number", &value);
  }
  return value.get<int64_t>();
}

std::vector<int64_t> whole_numbers(const json& list) {
  std::vector<int64_t> numbers;
  for (const json& value : list) {
    numbers.push_back(whole_number(value));
  }
  return numbers;
}

}  // namespace mascing
