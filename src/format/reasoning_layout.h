// How a chat template sets reasoning apart, and how a prompt is brought to where a mode wants it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "mascing/reply_parts.h"
#include "mascing/template_options.h"

namespace mascing {

/// Learned from what the template renders. All texts are empty where it does not show them.
struct ReasoningLayout {
  ReasoningMarks marks = {};
  std::string open = {};    ///< from its mark to the reasoning: "<think>\n"
  std::string close = {};   ///< between reasoning and reply: "\n</think>\n\n"
  std::string direct = {};  ///< between a prompt's end and a reply without reasoning
  /// Of the marks that end reasoning, those that stand in any prompt, as they end messages, too.
  int64_t n_usual_end = 0;

  [[nodiscard]] bool has_marks() const { return !marks.start.empty(); }
};

/// What a template renders behind the user's message `Q`.
struct LayoutSamples {
  std::string prompt;      ///< up to where the assistant begins, with reasoning on
  std::string prompt_off;  ///< the same with reasoning off
  std::string reasoned;    ///< Q, then the assistant's turn with reasoning
  std::string plain;       ///< Q, then the assistant's turn without
  std::string reasoning;   ///< what stands for the reasoning in `reasoned`
  std::string reply;       ///< what stands for the reply in both
};

/// `marks` as llama.cpp knows them, or without a start; then the samples tell, or the template's
/// source is searched for known marks.
[[nodiscard]] ReasoningLayout learn_layout(ReasoningMarks marks,
                                           const LayoutSamples& samples,
                                           std::string_view template_source);

/// True if a block of reasoning is open at the end of `tail`, the part of a prompt behind the final
/// user message.
[[nodiscard]] bool ends_in_reasoning(std::string_view tail, const ReasoningMarks& marks);

/// What must be added to a prompt with this tail. On: nothing. Off: the end of a block that is
/// still open. Skip: likewise, or else the way to the visible part, an empty block if there is no
/// other.
[[nodiscard]] std::string settle_reasoning(std::string_view tail,
                                           const ReasoningLayout& layout,
                                           ReasoningMode mode);

}  // namespace mascing
