// Reasoning in every chat template of llama.cpp's tree: what marks it, how the modes bring a prompt
// to its end, and how a reply to it is divided.
#include <algorithm>
#include <filesystem>
#include <map>

#include <gtest/gtest.h>
#include <log.h>

#include "base/files.h"
#include "format/reasoning_tracker.h"
#include "host/llama/chat_template.h"
#include "mascing/error.h"

namespace mascing {
namespace {

const std::string kThought = "The traveller asks for the mill.\n\nI see no harm in it.";
const std::string kAnswer = "The mill stands by the river.";
const std::string kQuestion = "Where is the <think> mill?";

struct Case {
  std::string name;
  std::string source;
};

std::vector<Case> all_templates() {
  std::vector<Case> cases;
  for (const auto& entry : std::filesystem::directory_iterator(MASCING_LLAMA_TEMPLATES)) {
    if (entry.path().extension() == ".jinja") {
      cases.push_back({entry.path().stem().string(), read_text_file(entry.path())});
    }
  }
  std::sort(
      cases.begin(), cases.end(), [](const Case& a, const Case& b) { return a.name < b.name; });
  return cases;
}

/// What stands behind the question, with what the mode adds.
std::string tail_of(const ChatTemplate& chat, ReasoningMode mode) {
  const std::string prompt = chat.apply({{"user", kQuestion}}, mode == ReasoningMode::kOn);
  const std::string tail = prompt.substr(prompt.rfind(kQuestion) + kQuestion.size());
  return tail + settle_reasoning(tail, chat.layout(), mode);
}

/// Whether the reasoning of a reply has not ended after its last byte, fed in pieces.
bool is_reasoning_after(const std::string& reply, const ReplyFormat& format, size_t n_piece) {
  ReasoningTracker tracker(format);
  for (size_t at = 0; at < reply.size(); at += n_piece) {
    tracker.add(std::string_view(reply).substr(at, n_piece));
  }
  return tracker.is_reasoning();
}

void expect_parts(const std::string& reply,
                  const ReplyFormat& format,
                  const std::string& reasoning,
                  const std::string& visible) {
  const ReplyParts parts = split_reply(reply, format);
  EXPECT_EQ(parts.visible, visible) << reply;
  EXPECT_EQ(parts.reasoning, reasoning) << reply;
  EXPECT_EQ(parts.is_unfinished, visible.empty()) << reply;
  for (const size_t n_piece : {1, 3, 7, 1000}) {
    EXPECT_EQ(is_reasoning_after(reply, format, n_piece), visible.empty()) << reply << n_piece;
  }
}

std::string opening_of(const ReasoningLayout& layout) {
  return layout.open.empty() ? layout.marks.start : layout.open;
}
std::string closing_of(const ReasoningLayout& layout) {
  return layout.close.empty() ? layout.marks.ends.front() : layout.close;
}

/// Complete, cut within the reasoning, and with an empty block, as the prompt leaves it to the
/// model.
void expect_replies_divided(const ReasoningLayout& layout, bool is_opened) {
  const ReplyFormat format = {layout.marks, is_opened};
  const std::string open = is_opened ? "" : opening_of(layout);
  const std::string close = closing_of(layout);
  expect_parts(open + kThought + close + kAnswer, format, kThought, kAnswer);
  expect_parts(open + kThought, format, kThought, "");
  expect_parts(open + close + kAnswer, format, "", kAnswer);
  if (!is_opened) {
    expect_parts(kAnswer, format, "", kAnswer);
  }
}

class ReasoningTemplates : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    common_log_set_verbosity_thold(LOG_LEVEL_ERROR);
    for (const Case& one : all_templates()) {
      try {
        templates_[one.name] = std::make_unique<ChatTemplate>(one.source);
      } catch (const Error& error) {
        ADD_FAILURE() << one.name << ": " << error.what();
      }
    }
  }
  static void TearDownTestSuite() { templates_.clear(); }

  static inline std::map<std::string, std::unique_ptr<ChatTemplate>> templates_;
};

TEST_F(ReasoningTemplates, DivideEveryReplyInEveryMode) {
  int64_t n_marked = 0;
  for (const auto& [name, chat] : templates_) {
    if (!chat->layout().has_marks()) {
      continue;
    }
    SCOPED_TRACE(name);
    ++n_marked;
    ASSERT_FALSE(chat->layout().marks.ends.empty());
    for (const ReasoningMode mode :
         {ReasoningMode::kOn, ReasoningMode::kOff, ReasoningMode::kSkip}) {
      SCOPED_TRACE(to_string(mode));
      const std::string tail = tail_of(*chat, mode);
      const bool is_opened = ends_in_reasoning(tail, chat->layout().marks);
      EXPECT_TRUE(mode == ReasoningMode::kOn || !is_opened) << tail;
      expect_replies_divided(chat->layout(), is_opened);
    }
    expect_replies_divided(chat->layout(), true);
  }
  EXPECT_GE(n_marked, 35);
}

TEST_F(ReasoningTemplates, NothingIsAddedWhereNoMarksAreKnown) {
  int64_t n_plain = 0;
  for (const auto& [name, chat] : templates_) {
    if (!chat->layout().has_marks()) {
      ++n_plain;
      EXPECT_EQ(tail_of(*chat, ReasoningMode::kSkip), tail_of(*chat, ReasoningMode::kOff)) << name;
    }
  }
  EXPECT_GE(n_plain, 15);
}

struct Ends {
  const char* name;
  const char* on;
  const char* off;
  const char* skip;
};

TEST_F(ReasoningTemplates, BringPromptsToWhereTheModeWantsThem) {
  const std::vector<Ends> all = {
      {"Qwen-Qwen3-0.6B",
       "assistant\n",
       "assistant\n<think>\n\n</think>\n\n",
       "assistant\n<think>\n\n</think>\n\n"},
      {"MiniMax-M2", "ai\n<think>\n", "ai\n<think>\n\n</think>\n\n", "ai\n<think>\n\n</think>\n\n"},
      {"StepFun3.5-Flash",
       "assistant\n<think>\n",
       "assistant\n<think>\n\n</think>\n",
       "assistant\n<think>\n\n</think>\n"},
      {"Cohere2MoE",
       "<|START_THINKING|>",
       "<|START_THINKING|><|END_THINKING|><|START_TEXT|>",
       "<|START_THINKING|><|END_THINKING|><|START_TEXT|>"},
      {"Kimi-K3",
       "<|open|>think<|sep|>",
       "<|open|>think<|sep|><|close|>think<|sep|><|open|>response<|sep|>",
       "<|open|>think<|sep|><|close|>think<|sep|><|open|>response<|sep|>"},
      {"llama-cpp-deepseek-r1", "<think>\n", "<think>\n</think>\n\n", "<think>\n</think>\n\n"},
      {"openai-gpt-oss-120b",
       "<|start|>assistant",
       "<|start|>assistant",
       "<|start|>assistant<|channel|>final<|message|>"},
      {"google-gemma-4-31B-it",
       "<|turn>model\n",
       "<|channel>thought\n<channel|>",
       "<|channel>thought\n<channel|>"},
      {"muse-glimmer",
       "<|start|>assistant",
       "<|start|>assistant",
       "<|start|>assistant to=user<|message|>"},
      {"upstage-Solar-Open-100B",
       "<|begin|>assistant",
       "<|begin|>assistant",
       "<|begin|>assistant<|content|>"},
      {"mistralai-Ministral-3-14B-Reasoning-2512", "[/INST]", "[/INST]", "[/INST][THINK][/THINK]"},
      {"GLM-4.7-Flash", "<|assistant|><think>", "<|assistant|></think>", "<|assistant|></think>"},
      {"ByteDance-Seed-OSS",
       "assistant\n",
       "assistant\n",
       "assistant\n<seed:think></seed:think>\n"},
      {"Apriel-1.6-15b-Thinker-fixed",
       "Here are my reasoning steps:\n",
       "Here are my reasoning steps:\n\n[BEGIN FINAL RESPONSE]\n",
       "Here are my reasoning steps:\n\n[BEGIN FINAL RESPONSE]\n"},
  };
  for (const Ends& ends : all) {
    SCOPED_TRACE(ends.name);
    ASSERT_TRUE(templates_.contains(ends.name));
    const ChatTemplate& chat = *templates_.at(ends.name);
    EXPECT_TRUE(tail_of(chat, ReasoningMode::kOn).ends_with(ends.on))
        << tail_of(chat, ReasoningMode::kOn);
    EXPECT_TRUE(tail_of(chat, ReasoningMode::kOff).ends_with(ends.off))
        << tail_of(chat, ReasoningMode::kOff);
    EXPECT_TRUE(tail_of(chat, ReasoningMode::kSkip).ends_with(ends.skip))
        << tail_of(chat, ReasoningMode::kSkip);
  }
}

TEST_F(ReasoningTemplates, ArgumentsReachTheTemplate) {
  const std::string source = read_text_file(MASCING_LLAMA_TEMPLATES "/openai-gpt-oss-120b.jinja");
  const std::vector<Message> question = {{"user", "Who bakes?"}};
  TemplateOptions low;
  add_template_argument("reasoning_effort=low", low);
  const std::string plain = ChatTemplate(source).apply(question, false);
  const std::string with_low = ChatTemplate(source, low.arguments).apply(question, false);
  EXPECT_NE(plain.find("Reasoning: medium"), std::string::npos) << plain;
  EXPECT_NE(with_low.find("Reasoning: low"), std::string::npos) << with_low;
}

TEST_F(ReasoningTemplates, AnOpenAnalysisIsClosedBeforeTheFinalChannel) {
  const ReasoningLayout& layout = templates_.at("openai-gpt-oss-120b")->layout();
  const std::string tail = "<|end|><|start|>assistant<|channel|>analysis<|message|>";
  for (const ReasoningMode mode : {ReasoningMode::kOff, ReasoningMode::kSkip}) {
    EXPECT_EQ(settle_reasoning(tail, layout, mode),
              "<|end|><|start|>assistant<|channel|>final<|message|>");
  }
  EXPECT_EQ(settle_reasoning(tail, layout, ReasoningMode::kOn), "");
}

}  // namespace
}  // namespace mascing
