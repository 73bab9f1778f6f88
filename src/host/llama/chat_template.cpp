// Through llama.cpp's `common`, with or without its analysis of the template.
#include "host/llama/chat_template.h"

#include <optional>

#include <chat.h>

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

std::string render(const common_chat_templates* templates,
                   const std::vector<Message>& messages,
                   bool enable_thinking,
                   bool is_plain) {
  common_chat_templates_inputs inputs;
  inputs.add_generation_prompt = true;
  inputs.use_jinja = true;
  inputs.enable_thinking = enable_thinking;
  inputs.force_pure_content = is_plain;
  inputs.chat_template_kwargs = {{"date_string", R"("01 Jan 2026")"},
                                 {"datetime", R"("Jan 01 2026")"}};
  for (const Message& message : messages) {
    common_chat_msg part;
    part.role = message.role;
    part.content = message.content;
    inputs.messages.push_back(std::move(part));
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
                                          const std::vector<Message>& messages,
                                          bool enable_thinking,
                                          bool is_plain) {
  try {
    return render(templates, messages, enable_thinking, is_plain);
  } catch (const Error&) {
    return std::nullopt;
  }
}

bool is_the_same_plainly(const common_chat_templates* templates) {
  for (const std::vector<Message>& messages : probes()) {
    for (const bool enable_thinking : {false, true}) {
      if (render_or_none(templates, messages, enable_thinking, true) !=
          render_or_none(templates, messages, enable_thinking, false)) {
        return false;
      }
    }
  }
  return true;
}

}  // namespace

struct ChatTemplate::Parsed {
  common_chat_templates_ptr templates;
};

ChatTemplate::ChatTemplate(const llama_model* model, const std::string& source)
    : parsed_(std::make_unique<Parsed>()) {
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
  is_plain_ = is_the_same_plainly(parsed_->templates.get());
}

ChatTemplate::ChatTemplate(const llama_model* model) : ChatTemplate(model, "") {}

ChatTemplate::ChatTemplate(const std::string& source) : ChatTemplate(nullptr, source) {}

ChatTemplate::~ChatTemplate() = default;

std::string ChatTemplate::apply(const std::vector<Message>& messages, bool enable_thinking) const {
  return render(parsed_->templates.get(), messages, enable_thinking, is_plain_);
}

std::string ChatTemplate::apply_fully(const std::vector<Message>& messages,
                                      bool enable_thinking) const {
  return render(parsed_->templates.get(), messages, enable_thinking, false);
}

}  // namespace mascing
