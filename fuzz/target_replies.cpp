// What models and judges answer: a reply divided at the marks of reasoning, whole and token by
// token, and a judge's verdict in its answer. The first byte chooses marks, its bits the rest.
#include <algorithm>

#include "format/known_marks.h"
#include "format/reasoning_layout.h"
#include "format/reasoning_tracker.h"
#include "fuzz.h"
#include "judge/judge_text.h"

namespace mascing::fuzz {

namespace {

constexpr size_t kPieceBytes = 3;

/// Each part is a piece of the reply, and both together are no longer than it.
void check_parts(std::string_view reply, const ReplyParts& parts) {
  require(parts.reasoning.size() + parts.visible.size() <= reply.size(), "parts beyond the reply");
  require(!parts.is_unfinished || parts.visible.empty(), "an unfinished reply with a visible part");
}

/// The tracker says the same whatever the pieces.
void check_pieces(std::string_view reply, const ReplyFormat& format) {
  ReasoningTracker whole(format);
  whole.add(reply);
  ReasoningTracker pieces(format);
  for (size_t at = 0; at < reply.size(); at += kPieceBytes) {
    pieces.add(reply.substr(at, kPieceBytes));
  }
  require(whole.is_reasoning() == pieces.is_reasoning(), "the tracker depends on the pieces");
}

}  // namespace

std::vector<std::string> seeds() {
  return {std::string(1, '\0') + "<think>\nThe owl knows.\n</think>\n\nOnce upon a time",
          "\x01<|channel|>analysis<|message|>A tale<|end|><|start|>assistant"
          "<|channel|>final<|message|>The crown forbids it.<|return|>",
          "\x02refused",
          "\x03**unsafe**\nS1",
          "\x04{\"verdict\": \"answered\"}"};
}

std::vector<std::string> words() {
  std::vector<std::string> all = {
      "refused", "answered", "safe", "unsafe", "other", "\n", "```", "**"};
  for (const ReasoningMarks& marks : known_marks()) {
    all.push_back(marks.start);
    all.insert(all.end(), marks.ends.begin(), marks.ends.end());
  }
  return all;
}

void try_input(std::string_view input) {
  const char kind = kind_of(input);
  const std::string_view text = rest_of(input);
  const std::vector<ReasoningMarks>& marks = known_marks();
  ReplyFormat format;
  format.is_opened = (kind & 0x80U) != 0;
  const size_t i_mark = kind & 0x7FU;
  if (i_mark < marks.size()) {
    format.marks = marks[i_mark];
  }
  expect_value_or_error([&] {
    check_parts(text, split_reply(text, format));
    check_pieces(text, format);
    (void)find_marks(text);
    (void)ends_in_reasoning(text, format.marks);
    JudgeQuestion question;
    question.line = i_mark % 2 == 0 ? "" : "Verdict:";
    (void)judgement_of(std::string(text), question);
    Exchange exchange;
    exchange.messages = {{"system", "Be kind."}, {"user", std::string(text)}};
    exchange.reply = text;
    (void)fill_prompt(guard_prompt(), exchange);
  });
}

}  // namespace mascing::fuzz
