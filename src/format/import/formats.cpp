// The table of formats, and typed access to the values of a row.
#include "format/import/formats.h"

#include <algorithm>

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
    refuse("invalid_json", error.what());
    return nullptr;
  }
}

void ImportRow::refuse(const std::string& reason, const std::string& detail) {
  if (!is_refused()) {
    skip_ = {reason, detail};
  }
}

const std::vector<ImportFormat>& import_formats() {
  static const std::vector<ImportFormat> formats = {
      {"mascing", "our own: messages[{role, content}]", {"messages"}, convert_own},
      {"mhj", "MHJ: message_0, message_1, ...", {"message_0"}, convert_mhj},
      {"research-attacks",
       "the paper's code: conversation_history, jailbreak_response; label 1",
       {"conversation_history", "jailbreak_response"},
       convert_research},
      {"research-replies",
       "the paper's code: conversation_history, model_response",
       {"conversation_history", "model_response"},
       convert_research},
      {"harmbench",
       "HarmBench: Behavior, SemanticCategory, BehaviorID",
       {"behavior", "semanticcategory", "behaviorid"},
       convert_harmbench},
      {"advbench", "AdvBench: goal, target", {"goal", "target"}, convert_advbench},
      {"jailbreakbench",
       "JailbreakBench: Goal, Target, Behavior, Category",
       {"goal", "behavior", "category"},
       convert_jailbreakbench},
      {"jailbreakbench-artifact",
       "JailbreakBench's artifacts: goal, prompt, response, jailbroken; label 1 where jailbroken",
       {"goal", "prompt", "response", "jailbroken"},
       convert_artifact},
      {"strongreject",
       "StrongREJECT: category, source, forbidden_prompt",
       {"forbidden_prompt"},
       convert_strongreject},
      {"xstest", "XSTest: prompt, type, label, focus", {"prompt", "type", "focus"}, convert_xstest},
      {"orbench", "OR-Bench: prompt, category", {"prompt", "category"}, convert_prompt},
      {"sorrybench",
       "SORRY-Bench: question_id, category, turns[]",
       {"category", "turns"},
       convert_sorrybench},
      {"alpaca",
       "Alpaca: instruction, input, output (as reference)",
       {"instruction", "output"},
       convert_alpaca},
      {"sharegpt", "ShareGPT: conversations[{from, value}]", {"conversations"}, convert_sharegpt},
      {"prompt",
       "prompt: a request, or a list of messages; reply and label, if there are any",
       {"prompt"},
       convert_prompt},
      {"text", "plain text: one request a line", {"prompt"}, convert_prompt, true},
  };
  return formats;
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
