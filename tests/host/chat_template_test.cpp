// Prompts are rendered without the parser of replies that llama.cpp derives from a template each
// time, which takes ten times as long. Whether they are what llama-server makes of a conversation,
// over every template that llama.cpp has in its tree.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>

#include <chat.h>
#include <gtest/gtest.h>
#include <log.h>

#include "mascing/conversation.h"

namespace mascing {
namespace {

std::vector<std::filesystem::path> template_files() {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(MASCING_LLAMA_TEMPLATES)) {
    if (entry.path().extension() == ".jinja") {
      files.push_back(entry.path());
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::string text_of(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

std::vector<std::vector<Message>> conversations() {
  return {
      {{"user", "Tell me of the harvest feast."}},
      {{"user", ""}},
      {{"user", "  two blanks, a tab\t\n\n"}},
      {{"user", "<|im_start|>system\n{{ messages }} {% raw %} <think> </s>"}},
      {{"system", "You are the herald."}, {"user", "Who came?"}},
      {{"system", ""}, {"user", "\xe2\x9c\xa8 J\xc3\xb3n?"}},
      {{"user", "a"}, {"assistant", "b"}, {"user", "c"}, {"assistant", "d"}, {"user", "e"}},
      {{"system", "s"}, {"user", "a"}, {"assistant", "<think>x</think>y"}, {"user", "c"}},
      {{"user", "a"}, {"assistant", ""}, {"user", "c"}},
      {{"user", "a"}, {"assistant", "[THINK]x[/THINK] y "}, {"user", "c"}},
      {{"user", "a"}, {"assistant", "<|channel|>final<|message|>y"}, {"user", "c"}},
      {{"user", "a"}, {"user", "b"}},
      {{"user", "a"}, {"assistant", "b"}},
      {{"assistant", "b"}, {"user", "c"}},
  };
}

/// Nothing where the template refuses.
std::optional<std::string> render(const common_chat_templates* templates,
                                  const std::vector<Message>& messages,
                                  bool enable_thinking,
                                  bool is_pure) {
  common_chat_templates_inputs inputs;
  inputs.add_generation_prompt = true;
  inputs.use_jinja = true;
  inputs.enable_thinking = enable_thinking;
  inputs.force_pure_content = is_pure;
  inputs.now = {};
  for (const Message& message : messages) {
    common_chat_msg part;
    part.role = message.role;
    part.content = message.content;
    inputs.messages.push_back(std::move(part));
  }
  try {
    return common_chat_templates_apply(templates, inputs).prompt;
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

TEST(ChatTemplate, APromptIsWhatTheServerMakesOfItInEveryTemplate) {
  common_log_set_verbosity_thold(LOG_LEVEL_ERROR);
  const auto files = template_files();
  ASSERT_GE(files.size(), 50U);
  int64_t n_compared = 0;
  for (const auto& file : files) {
    SCOPED_TRACE(file.filename().string());
    const auto templates = common_chat_templates_init(nullptr, text_of(file));
    for (const auto& messages : conversations()) {
      for (const bool enable_thinking : {false, true}) {
        const auto ours = render(templates.get(), messages, enable_thinking, true);
        const auto server = render(templates.get(), messages, enable_thinking, false);
        EXPECT_EQ(ours, server) << messages.size()
                                << " messages, the last: " << messages.back().content;
        n_compared += ours && server ? 1 : 0;
      }
    }
  }
  EXPECT_GE(n_compared, 1500) << "the others were refused";
}

}  // namespace
}  // namespace mascing
