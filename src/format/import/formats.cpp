// The table of formats, and typed access to the values of a row.
#include "format/import/formats.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/text.h"
#include "format/json_text.h"
#include "mascing/error.h"

namespace mascing {

using nlohmann::json;

std::string ImportRow::text(const char* name) {
  const json* value = find(name);
  if (value == nullptr) {
    return {};
  }
  if (value->is_string()) {
    return trim(value->get_ref<const std::string&>());
  }
  if (value->is_number() || value->is_boolean()) {
    return value->dump();
  }
  refuse("wrong_type",
         std::string("\"") + name + "\" is a " + value->type_name() + ", expected a text");
  return {};
}

std::optional<int> ImportRow::zero_or_one(const char* name) {
  const json* found = find(name);
  if (found == nullptr) {
    return std::nullopt;
  }
  const std::string text = found->is_string()   ? trim(found->get_ref<const std::string&>())
                           : found->is_number() ? found->dump()
                                                : "";
  double number = -1.0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool is_number = failure == std::errc{} && end == text.data() + text.size();
  if (!is_number || (number != 0.0 && number != 1.0)) {
    if (!found->is_string() || !text.empty()) {
      unread_label_ = std::string("\"") + name + "\" is " + printable(found->dump(), 60);
    }
    return std::nullopt;
  }
  return number == 1.0 ? 1 : 0;
}

const json* ImportRow::find(const char* name) const {
  asked_.emplace(name);
  const auto found = values.find(name);
  return found == values.end() || found->is_null() ? nullptr : &*found;
}

std::vector<std::string> ImportRow::unused() const {
  std::vector<std::string> names;
  for (const auto& [name, value] : values.items()) {
    if (asked_.count(name) == 0) {
      names.push_back(name);
    }
  }
  return names;
}

json ImportRow::parse(const std::string& text, const std::string& name) {
  try {
    return parse_json(text, name, {});
  } catch (const Error& error) {
    refuse(key_twice(text) ? "equal_keys" : "invalid_json", error.what());
    return nullptr;
  }
}

void ImportRow::refuse(const std::string& reason, const std::string& detail) {
  if (!is_refused()) {
    skip_ = {reason, detail};
  }
}

namespace {

/// With replies or attacks.
std::vector<ImportFormat> conversation_formats() {
  return {
      {"mascing",
       "our own: messages[{role, content}]",
       {"messages"},
       convert_own,
       {"id",
        "label",
        "topic",
        "category",
        "tactic",
        "split",
        "reference",
        "reply",
        "turn",
        "attempt",
        "cut_turns",
        "script"}},
      {"mhj",
       "MHJ: message_0, message_1, ...",
       {"message_0"},
       convert_mhj,
       {"question_id", "source", "tactic"}},
      {"research-attacks",
       "the paper's code: conversation_history, jailbreak_response; label 1",
       {"conversation_history", "jailbreak_response"},
       convert_research,
       {"model_response", "question_id", "tactic"}},
      {"research-replies",
       "the paper's code: conversation_history, model_response",
       {"conversation_history", "model_response"},
       convert_research,
       {"question_id", "tactic"}},
      {"harmbench",
       "HarmBench: Behavior, SemanticCategory, BehaviorID",
       {"behavior", "semanticcategory", "behaviorid"},
       convert_harmbench,
       {"contextstring", "functionalcategory"}},
      {"advbench", "AdvBench: goal, target", {"goal", "target"}, convert_advbench},
      {"jailbreakbench",
       "JailbreakBench: Goal, Target, Behavior, Category",
       {"goal", "behavior", "category"},
       convert_jailbreakbench},
      {"jailbreakbench-artifact",
       "JailbreakBench's artifacts: goal, prompt, response, jailbroken; label 1 where jailbroken",
       {"goal", "prompt", "response", "jailbroken"},
       convert_artifact,
       {"behavior", "category"}},
  };
}

std::vector<ImportFormat> request_formats() {
  return {
      {"strongreject",
       "StrongREJECT: category, source, forbidden_prompt",
       {"forbidden_prompt"},
       convert_strongreject,
       {"category"}},
      {"xstest",
       "XSTest: prompt, type, label, focus",
       {"prompt", "type", "focus"},
       convert_xstest,
       {"label"}},
      {"orbench",
       "OR-Bench: prompt, category",
       {"prompt", "category"},
       convert_prompt,
       {"topic", "tactic", "reply", "label"}},
      {"sorrybench",
       "SORRY-Bench: question_id, category, turns[]",
       {"category", "turns"},
       convert_sorrybench,
       {"question_id", "prompt_style"}},
      {"alpaca",
       "Alpaca: instruction, input, output (as reference)",
       {"instruction", "output"},
       convert_alpaca,
       {"input"}},
      {"sharegpt", "ShareGPT: conversations[{from, value}]", {"conversations"}, convert_sharegpt},
      {"prompt",
       "prompt: a request, or a list of messages; reply and label, if there are any",
       {"prompt"},
       convert_prompt,
       {"category", "topic", "tactic", "reply", "label"}},
      {"text", "plain text: one request a line", {"prompt"}, convert_prompt, {}, true},
  };
}

}  // namespace

const std::vector<ImportFormat>& import_formats() {
  static const std::vector<ImportFormat> formats = [] {
    std::vector<ImportFormat> all = conversation_formats();
    for (ImportFormat& format : request_formats()) {
      all.push_back(std::move(format));
    }
    return all;
  }();
  return formats;
}

bool has_use_for(const ImportFormat& format, const std::string& name) {
  const auto is_among = [&](const std::vector<std::string>& names) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  const bool is_turn = format.convert == convert_mhj && name.starts_with("message_");
  return is_turn || is_among(format.needs) || is_among(format.takes);
}

const ImportFormat* find_format(const std::string& name) {
  for (const ImportFormat& format : import_formats()) {
    if (format.name == to_lower_ascii(name)) {
      return &format;
    }
  }
  return nullptr;
}

const ImportFormat* recognise_format(const std::vector<std::string>& names) {
  const ImportFormat* best = nullptr;
  for (const ImportFormat& format : import_formats()) {
    const bool fits = !format.is_plain_text &&
                      std::all_of(format.needs.begin(), format.needs.end(), [&](const auto& need) {
                        return std::find(names.begin(), names.end(), need) != names.end();
                      });
    if (fits && (best == nullptr || format.needs.size() > best->needs.size())) {
      best = &format;
    }
  }
  return best;
}

}  // namespace mascing
