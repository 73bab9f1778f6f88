// Through llama.cpp's `common`, with or without its analysis of the template.
#include "host/llama/chat_template.h"

#include <optional>
#include <utility>

#include <chat.h>

#include "host/llama/template_limits.h"
#include "mascing/error.h"

namespace mascing {
namespace {

/// Stands in front of a template that asks for the date: a macro in place of llama.cpp's function.
constexpr const char* kPinnedNow =
    "{%- macro strftime_now(format) -%}"
    "{{- format | replace('%Y', '2026') | replace('%y', '26') | replace('%m', '01')"
    " | replace('%B', 'January') | replace('%b', 'Jan') | replace('%d', '01') | replace('%j', "
    "'001')"
    " | replace('%A', 'Thursday') | replace('%a', 'Thu') | replace('%H', '00') | replace('%I', "
    "'12')"
    " | replace('%M', '00') | replace('%S', '00') | replace('%p', 'AM') -}}"
    "{%- endmacro %}\n";

/// What llama.cpp treats specially in one template or another: system messages, thoughts, blanks
/// around a text, an assistant that speaks last.
std::vector<std::vector<Message>> probes() {
  return {
      {{"user", "Good morning."}},
      {{"system", " Be brief.\n"}, {"user", "\n Who rules here? "}},
      {{"user", "Who rules?"}, {"assistant", " The queen.\n"}, {"user", "And who bakes?"}},
      {{"system", "Be brief."},
       {"user", "Who rules?"},
       {"assistant", "<think>\nIt is the queen.\n</think>\n\nThe queen."},
       {"user", "Who bakes?"},
       {"assistant", "The baker."},
       {"user", "Who sings?"}},
      {{"user", "Who rules?"}, {"assistant", "The queen."}},
  };
}

using Arguments = std::map<std::string, std::string>;

common_chat_msg to_llama(const Message& message) {
  common_chat_msg part;
  part.role = message.role;
  part.content = message.content;
  return part;
}

/// What all renderings have in common; the given arguments come first.
common_chat_templates_inputs inputs_with(const Arguments& arguments) {
  common_chat_templates_inputs inputs;
  inputs.use_jinja = true;
  inputs.chat_template_kwargs = arguments;
  inputs.chat_template_kwargs.insert(
      {{"date_string", R"("01 Jan 2026")"}, {"datetime", R"("Jan 01 2026")"}});
  return inputs;
}

std::string render(const common_chat_templates* templates,
                   const Arguments& arguments,
                   const std::vector<Message>& messages,
                   bool enable_thinking,
                   bool is_plain) {
  common_chat_templates_inputs inputs = inputs_with(arguments);
  inputs.add_generation_prompt = true;
  inputs.enable_thinking = enable_thinking;
  inputs.force_pure_content = is_plain;
  for (const Message& message : messages) {
    inputs.messages.push_back(to_llama(message));
  }
  try {
    return common_chat_templates_apply(templates, inputs).prompt;
  } catch (const std::exception& e) {
    throw Error(ErrorKind::kBadInput,
                std::string("[host] the chat template rejects this conversation: ") + e.what(),
                "check the roles; most templates require user and assistant to alternate");
  }
}

/// Nothing where the template refuses.
std::optional<std::string> render_or_none(const common_chat_templates* templates,
                                          const Arguments& arguments,
                                          const std::vector<Message>& messages,
                                          bool enable_thinking,
                                          bool is_plain) {
  try {
    return render(templates, arguments, messages, enable_thinking, is_plain);
  } catch (const Error&) {
    return std::nullopt;
  }
}

bool is_the_same_plainly(const common_chat_templates* templates, const Arguments& arguments) {
  for (const std::vector<Message>& messages : probes()) {
    for (const bool enable_thinking : {false, true}) {
      if (render_or_none(templates, arguments, messages, enable_thinking, true) !=
          render_or_none(templates, arguments, messages, enable_thinking, false)) {
        return false;
      }
    }
  }
  return true;
}

// ---------------------------------------------------------------- reasoning

constexpr const char* kQuestion = "mascing0question";
constexpr const char* kThought = "mascing0thought";
constexpr const char* kReply = "mascing0reply";

/// As llama.cpp renders and parses it; nothing where it cannot.
std::optional<common_chat_params> apply_reasoning(const common_chat_templates* templates,
                                                  const Arguments& arguments,
                                                  const std::vector<common_chat_msg>& messages,
                                                  bool enable_thinking = true) {
  common_chat_templates_inputs inputs = inputs_with(arguments);
  inputs.messages = messages;
  inputs.add_generation_prompt = messages.back().role == "user";
  inputs.enable_thinking = enable_thinking;
  inputs.reasoning_format = COMMON_REASONING_FORMAT_AUTO;
  try {
    return common_chat_templates_apply(templates, inputs);
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

std::string behind_question(const std::optional<common_chat_params>& rendered) {
  const size_t at = rendered ? rendered->prompt.rfind(kQuestion) : std::string::npos;
  return at == std::string::npos ? "" : rendered->prompt.substr(at + std::string(kQuestion).size());
}

ReasoningLayout layout_of(const common_chat_templates* templates,
                          const Arguments& arguments,
                          const std::string& source) {
  const common_chat_msg question = to_llama({"user", kQuestion});
  const common_chat_msg plain = to_llama({"assistant", kReply});
  common_chat_msg reasoned = plain;
  reasoned.reasoning_content = kThought;
  const auto prompt = apply_reasoning(templates, arguments, {question});
  const LayoutSamples samples = {
      behind_question(prompt),
      behind_question(apply_reasoning(templates, arguments, {question}, false)),
      behind_question(apply_reasoning(templates, arguments, {question, reasoned})),
      behind_question(apply_reasoning(templates, arguments, {question, plain})),
      kThought,
      kReply};
  ReasoningMarks marks;
  if (prompt && !prompt->thinking_end_tags.empty()) {
    marks = {prompt->thinking_start_tag, prompt->thinking_end_tags};
  }
  return learn_layout(marks, samples, source);
}

/// Of all templates that llama.cpp would parse.
void require_sane_templates(const llama_model* model, const std::string& source) {
  require_sane_template(source);
  for (const char* name : {static_cast<const char*>(nullptr), "tool_use"}) {
    const char* own = source.empty() ? llama_model_chat_template(model, name) : nullptr;
    require_sane_template(own == nullptr ? "" : own);
  }
}

}  // namespace

struct ChatTemplate::Parsed {
  common_chat_templates_ptr templates;
};

ChatTemplate::ChatTemplate(const llama_model* model, const std::string& source, Arguments arguments)
    : parsed_(std::make_unique<Parsed>()), arguments_(std::move(arguments)) {
  require_sane_templates(model, source);
  try {
    parsed_->templates = common_chat_templates_init(model, source);
    source_ = common_chat_templates_source(parsed_->templates.get());
    if (source_.find("strftime_now") != std::string::npos) {
      parsed_->templates = common_chat_templates_init(model, kPinnedNow + source_);
    }
  } catch (const std::exception& e) {
    throw Error(ErrorKind::kBadInput,
                std::string("[host] the model's chat template cannot be parsed: ") + e.what(),
                "tokenizer.chat_template in the file is invalid; convert the model again");
  }
  is_plain_ = is_the_same_plainly(parsed_->templates.get(), arguments_);
  layout_ = layout_of(parsed_->templates.get(), arguments_, source_);
  if (!common_chat_templates_was_explicit(parsed_->templates.get())) {
    source_.clear();  // ChatML, which libllama takes for want of another
  }
}

ChatTemplate::ChatTemplate(const llama_model* model, Arguments arguments)
    : ChatTemplate(model, "", std::move(arguments)) {}

ChatTemplate::ChatTemplate(const std::string& source, Arguments arguments)
    : ChatTemplate(nullptr, source, std::move(arguments)) {}

ChatTemplate::~ChatTemplate() = default;

std::string ChatTemplate::apply(const std::vector<Message>& messages, bool enable_thinking) const {
  return render(parsed_->templates.get(), arguments_, messages, enable_thinking, is_plain_);
}

std::string ChatTemplate::apply_fully(const std::vector<Message>& messages,
                                      bool enable_thinking) const {
  return render(parsed_->templates.get(), arguments_, messages, enable_thinking, false);
}

}  // namespace mascing
