// The short way through a chat template against llama.cpp's own, over every template that it has in
// its tree, and the day that is pinned.
#include "host/llama/chat_template.h"

#include <algorithm>
#include <filesystem>

#include <gtest/gtest.h>
#include <log.h>

#include "base/expect_error.h"
#include "base/files.h"

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

std::string outcome(const ChatTemplate& chat,
                    const std::vector<Message>& messages,
                    bool enable_thinking,
                    bool is_full) {
  try {
    return is_full ? chat.apply_fully(messages, enable_thinking)
                   : chat.apply(messages, enable_thinking);
  } catch (const Error&) {
    return "refused";
  }
}

void expect_the_same(const ChatTemplate& chat) {
  for (const auto& messages : conversations()) {
    for (const bool enable_thinking : {false, true}) {
      EXPECT_EQ(outcome(chat, messages, enable_thinking, false),
                outcome(chat, messages, enable_thinking, true))
          << messages.size() << " messages, the last: " << messages.back().content;
    }
  }
}

class ChatTemplateTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { common_log_set_verbosity_thold(LOG_LEVEL_ERROR); }
};

TEST_F(ChatTemplateTest, TheShortWaySaysWhatLlamaCppSaysInEveryTemplateOfItsTree) {
  const auto files = template_files();
  ASSERT_GE(files.size(), 50U);
  int64_t n_plain = 0;
  int64_t n_rendered = 0;
  for (const auto& file : files) {
    SCOPED_TRACE(file.filename().string());
    const ChatTemplate chat(read_text_file(file));
    n_plain += chat.is_plain() ? 1 : 0;
    n_rendered += outcome(chat, conversations().front(), false, false) != "refused" ? 1 : 0;
    expect_the_same(chat);
  }
  EXPECT_GE(n_plain, 50);
  EXPECT_GE(n_rendered, 50);
}

// llama.cpp opens the model's turn where a template of the Gemma 4 kind does not.
TEST_F(ChatTemplateTest, WhereLlamaCppTreatsATemplateSpeciallySoDoWe) {
  const ChatTemplate chat(
      "{% for m in messages %}<|turn>{{ m.role }}\n{{ m.content }}<turn|>\n{% endfor %}"
      "{# '<|tool_call>call:' #}");
  EXPECT_FALSE(chat.is_plain());
  EXPECT_TRUE(chat.apply({{"user", "Who rules?"}}, false).ends_with("<|turn>model\n"));
  expect_the_same(chat);
}

TEST_F(ChatTemplateTest, ItIsAlwaysTheSameDay) {
  const ChatTemplate chat(
      "{{ strftime_now('%Y-%m-%d, %B %d') }} | {{ strftime_now(\"%d %b %Y\") }} | {{ date_string "
      "}} | "
      "{{ datetime }}{% for m in messages %} | {{ m.content }}{% endfor %}");
  EXPECT_EQ(chat.apply({{"user", "Hi"}}, false),
            "2026-01-01, January 01 | 01 Jan 2026 | 01 Jan 2026 | Jan 01 2026 | Hi");
  EXPECT_TRUE(chat.source().starts_with("{{ strftime_now('%Y"));
  int64_t n_dated = 0;
  for (const auto& file : template_files()) {
    SCOPED_TRACE(file.filename().string());
    const std::string source = read_text_file(file);
    const bool asks = source.find("strftime_now(") != std::string::npos ||
                      source.find("date_string") != std::string::npos;
    const std::string text =
        outcome(ChatTemplate(source), {{"system", "s"}, {"user", "a"}}, true, false);
    const bool has_pinned = text.find("2026-01-01") != std::string::npos ||
                            text.find("01 Jan 2026") != std::string::npos ||
                            text.find("January 01, 2026") != std::string::npos;
    EXPECT_TRUE(asks || !has_pinned);
    n_dated += has_pinned ? 1 : 0;
  }
  EXPECT_GE(n_dated, 4);
}

TEST_F(ChatTemplateTest, ABrokenOneIsAnError) {
  expect_error(ErrorKind::kBadInput, "cannot be parsed", [] {
    (void)ChatTemplate("{% for message in messages %}{{ message");
  });
}

}  // namespace
}  // namespace mascing
