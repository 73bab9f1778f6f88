// A reply followed byte by byte against the same reply divided as a whole.
#include "format/reasoning_tracker.h"

#include <gtest/gtest.h>

#include "format/reasoning_layout.h"

namespace mascing {
namespace {

struct Followed {
  ReplyFormat format;
  std::string reply;
  size_t n_reasoning;  ///< bytes up to the end of the reasoning
};

std::vector<Followed> followed_replies() {
  const ReasoningMarks think = {"<think>", {"\n</think>", "</think>"}};
  const ReasoningMarks harmony = {"<|channel|>analysis<|message|>", {"<|end|>"}};
  return {
      {{think, false}, "<think>Is it the mill? < / think</think>By the river.", 40},
      {{think, true}, "Is it the mill?\n</think>\n\nBy the river.", 24},
      {{think, false}, "By the river.", 0},
      {{think, false}, "One.<think>b</think>Two.", 20},
      {{harmony, false},
       "<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>final<|message|>Yes.",
       85},
      {{harmony, false}, "Yes, by the river.", 0},
      {{harmony, true}, "Hm.<|end|><|start|>assistant<|channel|>final<|message|>Yes.", 55},
      {{{}, false}, "<think>of no marks that are known", 0},
  };
}

TEST(ReasoningTrackerTest, KnowsWhereTheReasoningEndsWhateverThePieces) {
  for (const auto& [format, reply, n_reasoning] : followed_replies()) {
    for (const size_t n_piece : {1, 2, 5, 13}) {
      ReasoningTracker tracker(format);
      size_t n_seen = 0;  // bytes after which it was last reasoning, the last piece included
      for (size_t at = 0; at < reply.size(); at += n_piece) {
        const bool was_reasoning = tracker.is_reasoning();
        tracker.add(std::string_view(reply).substr(at, n_piece));
        if (was_reasoning || tracker.is_reasoning()) {
          n_seen = std::min(at + n_piece, reply.size());
        }
      }
      EXPECT_FALSE(tracker.is_reasoning()) << reply;
      EXPECT_GE(n_seen, n_reasoning) << reply << n_piece;
      EXPECT_LT(n_seen, n_reasoning + n_piece) << reply << n_piece;
    }
  }
}

TEST(ReasoningTrackerTest, StaysWithinReasoningThatDoesNotEnd) {
  for (const auto& [format, reply, n_reasoning] : followed_replies()) {
    if (n_reasoning > 0) {
      ReasoningTracker tracker(format);
      tracker.add(std::string_view(reply).substr(0, n_reasoning - 1));
      EXPECT_TRUE(tracker.is_reasoning()) << reply;
    }
  }
}

TEST(ReasoningLayoutTest, IsLearnedFromWhatATemplateRenders) {
  const LayoutSamples samples = {"#bot:", "#bot:", "#bot: {{ T }} A#", "#bot: A#", "T", "A"};
  const ReasoningLayout layout = learn_layout({}, samples, "no known mark in the source");
  EXPECT_EQ(layout.marks.start, "{{");
  EXPECT_EQ(layout.marks.ends, std::vector<std::string>{"}}"});
  EXPECT_EQ(settle_reasoning("#bot:", layout, ReasoningMode::kSkip), " {{  }} ");
  EXPECT_EQ(settle_reasoning("#bot:", layout, ReasoningMode::kOff), "");
  EXPECT_EQ(settle_reasoning("#bot: {{ ", layout, ReasoningMode::kOff), " }} ");
  EXPECT_EQ(settle_reasoning("#bot: {{ ", layout, ReasoningMode::kOn), "");
  EXPECT_TRUE(ends_in_reasoning("#bot: {{ ", layout.marks));
  EXPECT_FALSE(ends_in_reasoning("#bot: {{ }}", layout.marks));
}

TEST(ReasoningLayoutTest, NothingIsLearnedWhereReasoningIsNotRendered) {
  const ReasoningLayout layout =
      learn_layout({}, {"#bot:", "#bot:", "#bot: A#", "#bot: A#", "T", "A"}, "plain");
  EXPECT_FALSE(layout.has_marks());
  EXPECT_EQ(settle_reasoning("#bot:", layout, ReasoningMode::kSkip), "");
}

}  // namespace
}  // namespace mascing
