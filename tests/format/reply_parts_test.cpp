// Every way to mark reasoning, complete, cut off, opened by the prompt, and empty.
#include "mascing/reply_parts.h"

#include <string>

#include <gtest/gtest.h>

namespace mascing {
namespace {

const std::string kThought = "The traveller asks for the mill.\n\nI cannot see harm in it.";
const std::string kAnswer = "The mill stands by the river.";

struct Format {
  const char* name;
  std::string start;   ///< of the reasoning
  std::string middle;  ///< between reasoning and visible part
  std::string behind = {};
  /// Behind the start, what the template's own mark is, if it is not `start`.
  ReasoningMarks marks = {};

  [[nodiscard]] ReasoningMarks own_marks() const {
    return marks.start.empty() ? ReasoningMarks{start, {middle}} : marks;
  }
};

const ReasoningMarks kHarmony = {"<|channel|>analysis<|message|>", {"<|end|>"}};

std::vector<Format> formats() {
  return {
      {"think", "<think>", "</think>"},
      {"think_lines", "<think>\n", "\n</think>\n\n", "", {"<think>", {"</think>"}}},
      {"thinking", "<thinking>", "</thinking>"},
      {"thought", "<thought>", "</thought>"},
      {"reasoning", "<reasoning>", "</reasoning>"},
      {"answer_tags", "<think>", "</think><answer>", "</answer>", {"<think>", {"</think>"}}},
      {"minimax_m3", "<mm:think>", "</mm:think>"},
      {"seed_oss", "<seed:think>", "</seed:think>"},
      {"hunyuan_open_source", "<think:opensource>", "</think:opensource>"},
      {"magistral", "[THINK]", "[/THINK]"},
      {"kimi_vl", "\u25c1think\u25b7", "\u25c1/think\u25b7"},
      {"command_a",
       "<|START_THINKING|>",
       "<|END_THINKING|><|START_TEXT|>",
       "<|END_TEXT|>",
       {"<|START_THINKING|>", {"<|END_THINKING|>"}}},
      {"command_r7b",
       "<|START_THINKING|>",
       "<|END_THINKING|><|START_RESPONSE|>",
       "<|END_RESPONSE|>",
       {"<|START_THINKING|>", {"<|END_THINKING|>"}}},
      {"gemma_4", "<|channel>thought\n", "<channel|>", "", {"<|channel>thought", {"<channel|>"}}},
      {"kimi_k3",
       "<|open|>think<|sep|>",
       "<|close|>think<|sep|><|open|>response<|sep|>",
       "<|close|>response<|sep|><|close|>message<|sep|>",
       {"<|open|>think<|sep|>", {"<|close|>think<|sep|>"}}},
      {"open_thoughts",
       "<|begin_of_thought|>",
       "<|end_of_thought|><|begin_of_solution|>",
       "<|end_of_solution|>",
       {"<|begin_of_thought|>", {"<|end_of_thought|>"}}},
      {"apertus", "<|inner_prefix|>", "<|inner_suffix|>"},
      {"solar_open",
       "<|think|>",
       "<|end|><|begin|>assistant<|content|>",
       "<|end|>",
       {"<|think|>", {"<|end|>"}}},
      {"apriel",
       "Here are my reasoning steps:\n",
       "\n[BEGIN FINAL RESPONSE]\n",
       "\n[END FINAL RESPONSE]",
       {"Here are my reasoning steps:", {"[BEGIN FINAL RESPONSE]"}}},
      {"granite",
       "Here is my thought process:\n",
       "\nHere is my response:\n",
       "",
       {"Here is my thought process:", {"Here is my response:"}}},
      {"harmony",
       "<|channel|>analysis<|message|>",
       "<|end|><|start|>assistant<|channel|>final<|message|>",
       "<|return|>",
       kHarmony},
      {"harmony_with_blanks",
       "<|channel|> analysis<|message|> ",
       "<|end|><|start|> assistant<|channel|> final<|message|> ",
       "",
       kHarmony},
      {"harmony_constrained",
       "<|channel|>analysis<|message|>",
       "<|end|><|start|>assistant<|channel|>final <|constrain|>text<|message|>",
       "",
       kHarmony},
      {"harmony_bare", "analysis", "assistantfinal", "", kHarmony},
  };
}

std::string name_of(const testing::TestParamInfo<Format>& info) {
  return info.param.name;
}

class ReplyFormats : public testing::TestWithParam<Format> {
 protected:
  /// With the marks of the template, and with none.
  static std::vector<ReplyFormat> known_and_unknown() { return {{GetParam().own_marks()}, {}}; }
};

TEST_P(ReplyFormats, DividesACompleteReply) {
  const Format& f = GetParam();
  for (const ReplyFormat& format : known_and_unknown()) {
    const ReplyParts parts =
        split_reply(f.start + kThought + f.middle + kAnswer + f.behind, format);
    EXPECT_EQ(parts.visible, kAnswer);
    EXPECT_EQ(parts.reasoning, kThought);
    EXPECT_FALSE(parts.is_unfinished);
  }
}

TEST_P(ReplyFormats, KnowsAReplyThatWasCutWithinItsReasoning) {
  const Format& f = GetParam();
  for (const ReplyFormat& format : known_and_unknown()) {
    const ReplyParts parts = split_reply(f.start + kThought, format);
    EXPECT_EQ(parts.visible, "");
    EXPECT_EQ(parts.reasoning, kThought);
    EXPECT_TRUE(parts.is_unfinished);
  }
}

TEST_P(ReplyFormats, KnowsABlockThatThePromptOpened) {
  const Format& f = GetParam();
  const ReplyFormat opened = {f.own_marks(), true};
  const ReplyParts whole = split_reply(kThought + f.middle + kAnswer + f.behind, opened);
  EXPECT_EQ(whole.visible, kAnswer);
  EXPECT_EQ(whole.reasoning, kThought);
  const ReplyParts cut = split_reply(kThought, opened);
  EXPECT_EQ(cut.visible, "");
  EXPECT_TRUE(cut.is_unfinished);
}

TEST_P(ReplyFormats, KnowsEmptyReasoning) {
  const Format& f = GetParam();
  if (std::string(f.name) == "harmony_bare") {
    return;  // without a token and without a thought nothing is left to see
  }
  for (const ReplyFormat& format : known_and_unknown()) {
    const ReplyParts parts = split_reply(f.start + "\n\n" + f.middle + kAnswer + f.behind, format);
    EXPECT_EQ(parts.visible, kAnswer);
    EXPECT_EQ(parts.reasoning, "");
    EXPECT_FALSE(parts.is_unfinished);
  }
}

TEST_P(ReplyFormats, LeavesAPlainReplyAlone) {
  const ReplyParts parts = split_reply(" " + kAnswer + "\n", {GetParam().own_marks()});
  EXPECT_EQ(parts.visible, kAnswer);
  EXPECT_EQ(parts.reasoning, "");
  EXPECT_FALSE(parts.is_unfinished);
}

INSTANTIATE_TEST_SUITE_P(All, ReplyFormats, testing::ValuesIn(formats()), name_of);

TEST(SplitReply, KnowsAnEndWhoseStartStoodInThePrompt) {
  const ReplyParts parts = split_reply(kThought + "</think>" + kAnswer);
  EXPECT_EQ(parts.visible, kAnswer);
  EXPECT_EQ(parts.reasoning, kThought);
}

TEST(SplitReply, TakesTextBetweenBlocksForVisible) {
  const ReplyParts parts = split_reply("<think>a</think>One.<think>b</think>Two.<think>c");
  EXPECT_EQ(parts.visible, "One.\n\nTwo.");
  EXPECT_EQ(parts.reasoning, "a\n\nb\n\nc");
  EXPECT_FALSE(parts.is_unfinished) << "something can be read";
}

TEST(SplitReply, TakesCommentaryForReasoning) {
  const ReplyParts parts = split_reply(
      "<|channel|>analysis<|message|>a<|end|><|start|>assistant<|channel|>commentary<|message|>b"
      "<|end|><|start|>assistant<|channel|>final<|message|>c");
  EXPECT_EQ(parts.visible, "c");
  EXPECT_EQ(parts.reasoning, "a\n\nb");
  EXPECT_TRUE(split_reply("<|channel|>anal").is_unfinished);
  EXPECT_TRUE(
      split_reply("<|channel|>analysis<|message|>a<|end|><|start|>assistant").is_unfinished);
}

TEST(SplitReply, DoesNotTakeOrdinaryWordsForMarks) {
  for (const char* text : {"analysis of the harvest shows little",
                           "Analysis: a good year.",
                           "Here is my response: come in.",
                           "Think of a <tag> and smile.",
                           ""}) {
    const ReplyParts parts = split_reply(text);
    EXPECT_EQ(parts.visible, text);
    EXPECT_FALSE(parts.is_unfinished) << text;
  }
}

TEST(SplitReply, StandsAnyBytes) {
  const std::string hostile =
      std::string("<think>\0</thi<|channel|><|message|><think></think>", 46) + "\xff\xfe<channel|>";
  for (size_t n = 0; n <= hostile.size(); ++n) {
    for (const bool is_opened : {false, true}) {
      (void)split_reply(hostile.substr(0, n), {{"<think>", {"</think>"}}, is_opened});
      (void)split_reply(hostile.substr(n), {{}, is_opened});
    }
  }
}

}  // namespace
}  // namespace mascing
