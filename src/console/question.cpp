// Strict: what is not known is refused, so that a misspelt key is not an option silently ignored.
#include "console/question.h"

#include <cmath>

#include <nlohmann/json.hpp>

#include "base/text.h"
#include "format/json_text.h"
#include "mascing/error.h"

namespace mascing::console {
namespace {

using nlohmann::json;

constexpr const char* kHint = "docs/console.md has the form of a question";

[[noreturn]] void refuse(const std::string& what, const std::string& hint = kHint) {
  throw Error(ErrorKind::kUsage, "[console] " + what, hint);
}

std::string text_at(const json& object, const std::string& key) {
  const auto found = object.find(key);
  if (found == object.end()) {
    refuse("\"" + key + "\" is missing");
  }
  if (!found->is_string()) {
    refuse("\"" + key + "\" is not a text");
  }
  auto text = found->get<std::string>();
  if (std::ssize(text) > kMaxTextBytes) {
    refuse("\"" + key + "\" has " + std::to_string(text.size()) + " bytes, at most " +
               std::to_string(kMaxTextBytes) + " are taken",
           "shorten it");
  }
  return text;
}

double number_at(const json& object, const std::string& key, double least, double most) {
  const json& value = object.at(key);
  const double number = value.is_number() ? value.get<double>() : std::nan("");
  if (!(number >= least && number <= most)) {
    refuse("\"" + key + "\" is not a number from " + format_number(least, 0) + " to " +
           format_number(most, 0));
  }
  return number;
}

int64_t integer_at(const json& object, const std::string& key, int64_t least, int64_t most) {
  const json& value = object.at(key);
  if (!value.is_number_integer() || value < least || value > most) {
    refuse("\"" + key + "\" is not a whole number from " + std::to_string(least) + " to " +
           std::to_string(most));
  }
  return value.get<int64_t>();
}

void require_known(const json& object, const std::vector<std::string>& names) {
  for (const auto& item : object.items()) {
    if (std::find(names.begin(), names.end(), item.key()) == names.end()) {
      const std::string near = closest_match(item.key(), names);
      refuse("unknown key \"" + printable(item.key()) + "\"" +
             (near.empty() ? "" : "; did you mean \"" + near + "\"?"));
    }
  }
}

std::vector<Turn> turns_of(const json& list) {
  if (!list.is_array() || std::ssize(list) > kMaxTurns) {
    refuse("\"turns\" is not a list of at most " + std::to_string(kMaxTurns),
           "start a new conversation");
  }
  std::vector<Turn> turns;
  for (const json& item : list) {
    if (!item.is_object()) {
      refuse("an item of \"turns\" is not an object");
    }
    require_known(item, {"user", "base", "steered"});
    turns.push_back({text_at(item, "user"), text_at(item, "base"), text_at(item, "steered")});
  }
  return turns;
}

std::vector<double> strengths_of(const json& list, size_t n_mask) {
  if (!list.is_array() || list.size() != n_mask) {
    refuse("\"strengths\" is not a list of " + std::to_string(n_mask) + ", one number a mask");
  }
  std::vector<double> strengths;
  for (const json& item : list) {
    const double strength = item.is_number() ? item.get<double>() : std::nan("");
    if (!(std::fabs(strength) <= kMaxStrength)) {
      refuse("a strength is not a number from -" + format_number(kMaxStrength, 0) + " to " +
             format_number(kMaxStrength, 0));
    }
    strengths.push_back(strength);
  }
  return strengths;
}

void read_sampling(const json& object, Sampling& sampling) {
  if (object.contains("temperature")) {
    sampling.temperature = static_cast<float>(number_at(object, "temperature", 0.0, 10.0));
  }
  if (object.contains("seed")) {
    sampling.seed = integer_at(object, "seed", 0, int64_t{1} << 52);
  }
  if (object.contains("max_tokens")) {
    sampling.n_max_token = integer_at(object, "max_tokens", 1, sampling.n_max_token);
  }
}

}  // namespace

Question parse_question(const std::string& body, const Defaults& defaults) {
  const json object = parse_json(body, "[console] the question", kHint);
  if (!object.is_object()) {
    refuse("the question is not a JSON object");
  }
  require_known(object,
                {"text", "turns", "system", "strengths", "temperature", "seed", "max_tokens"});
  Question question{
      defaults.system, {}, text_at(object, "text"), defaults.strengths, defaults.sampling};
  if (trim(question.text).empty()) {
    refuse("\"text\" is empty", "write a message");
  }
  if (object.contains("system")) {
    question.system = text_at(object, "system");
  }
  if (object.contains("turns")) {
    question.turns = turns_of(object.at("turns"));
  }
  if (object.contains("strengths")) {
    question.strengths = strengths_of(object.at("strengths"), defaults.strengths.size());
  }
  read_sampling(object, question.sampling);
  return question;
}

Conversation conversation_of(const Question& question, bool is_steered) {
  Conversation conversation;
  if (!question.system.empty()) {
    conversation.messages.push_back({"system", question.system});
  }
  for (const Turn& turn : question.turns) {
    conversation.messages.push_back({"user", turn.user});
    conversation.messages.push_back({"assistant", is_steered ? turn.steered : turn.base});
  }
  conversation.messages.push_back({"user", question.text});
  return conversation;
}

}  // namespace mascing::console
