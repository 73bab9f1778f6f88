// Arguments are kept as JSON, which is what templates are given.
#include "mascing/template_options.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/text.h"
#include "format/json_text.h"
#include "mascing/error.h"

namespace mascing {
namespace {

bool is_name(const std::string& text) {
  const auto is_word = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  };
  return !text.empty() && std::all_of(text.begin(), text.end(), is_word);
}

void set_thinking(const std::string& value, TemplateOptions& options) {
  if (value != "true" && value != "false") {
    throw Error(ErrorKind::kUsage,
                "[template] enable_thinking is " + printable(value) + ", expected true or false",
                "or set the reasoning to on, off or skip");
  }
  options.reasoning = value == "true" ? ReasoningMode::kOn : ReasoningMode::kOff;
}

}  // namespace

const char* to_string(ReasoningMode mode) {
  switch (mode) {
    case ReasoningMode::kOn:
      return "on";
    case ReasoningMode::kSkip:
      return "skip";
    case ReasoningMode::kOff:
      break;
  }
  return "off";
}

ReasoningMode parse_reasoning_mode(const std::string& text) {
  for (const ReasoningMode mode : {ReasoningMode::kOn, ReasoningMode::kOff, ReasoningMode::kSkip}) {
    if (text == to_string(mode)) {
      return mode;
    }
  }
  throw Error(ErrorKind::kUsage,
              "[template] reasoning is \"" + printable(text) + "\", expected on, off or skip",
              "on: the model reasons; off: not, where the template knows how; skip: the visible "
              "reply begins right away");
}

void add_template_argument(const std::string& text, TemplateOptions& options) {
  const size_t at = text.find('=');
  const std::string name = text.substr(0, at);
  if (at == std::string::npos || !is_name(name)) {
    throw Error(ErrorKind::kUsage,
                "[template] the argument \"" + printable(text) + "\" is not name=value",
                "for example reasoning_effort=low");
  }
  const std::string value = text.substr(at + 1);
  if (name == "enable_thinking") {
    set_thinking(value, options);
    return;
  }
  const nlohmann::json parsed = parse_json_or_discard(value);
  const nlohmann::json json = parsed.is_discarded() ? nlohmann::json(value) : parsed;
  options.arguments[name] = json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::vector<std::pair<std::string, std::string>> unknown_arguments(const TemplateOptions& options,
                                                                   const std::string& source) {
  std::set<std::string> names;
  std::string name;
  for (const char c : source + " ") {
    if (is_name({c})) {
      name += c;
    } else if (!name.empty()) {
      names.insert(std::exchange(name, {}));
    }
  }
  std::vector<std::string> known;  // without the words of the template's language: if, for, ...
  std::copy_if(names.begin(), names.end(), std::back_inserter(known), [](const std::string& word) {
    return word.size() > 4;
  });
  std::vector<std::pair<std::string, std::string>> unknown;
  for (const auto& [argument, value] : options.arguments) {
    if (!source.empty() && !names.contains(argument)) {
      unknown.emplace_back(argument, closest_match(argument, known));
    }
  }
  return unknown;
}

std::string template_key(const TemplateOptions& options) {
  std::string key =
      options.reasoning == ReasoningMode::kOff ? "" : std::string(to_string(options.reasoning));
  for (const auto& [name, value] : options.arguments) {
    key.append(key.empty() ? "" : ",").append(name).append("=").append(value);
  }
  return key;
}

}  // namespace mascing
