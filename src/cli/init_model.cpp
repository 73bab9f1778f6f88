// A template is searched for known marks of reasoning and for the arguments that switch it.
#include "cli/init_model.h"

#include "format/known_marks.h"
#include "format/model_file.h"

namespace mascing::cli {

ModelFacts facts_of_template(const std::string& source) {
  const auto mentions = [&](const char* word) { return source.find(word) != std::string::npos; };
  ModelFacts facts;
  facts.has_template = !source.empty();
  // The channels of gpt-oss are no marks of a block, but their effort is an argument.
  const bool has_effort = mentions("reasoning_effort");
  facts.can_reason = has_effort || !find_marks(source).start.empty();
  facts.always_reasons = facts.can_reason && !mentions("enable_thinking") && !mentions("thinking=");
  if (facts.always_reasons) {
    facts.chat_template.reasoning = ReasoningMode::kOn;
  }
  if (has_effort) {
    add_template_argument("reasoning_effort=low", facts.chat_template);
  }
  return facts;
}

ModelFacts read_model_facts(const std::string& path) {
  const OpenModel model = open_model(path);
  const auto source = model.parts.front().get_string("tokenizer.chat_template");
  ModelFacts facts = facts_of_template(source.value_or(""));
  facts.info = model.info;
  return facts;
}

}  // namespace mascing::cli
