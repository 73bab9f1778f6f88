// Renders conversations with the model's own chat template and finds the tokens of the final user
// message.
#pragma once

#include <string>
#include <vector>

#include "host/llama/chat_template.h"
#include "mascing/conversation.h"
#include "mascing/host.h"

struct llama_model;
struct llama_vocab;

namespace mascing {

/// Rendered text and the byte range of the final user message within it.
struct RenderedChat {
  std::string text;
  size_t begin = 0;
  size_t end = 0;
  bool opens_reasoning = false;  ///< it ends within a block of reasoning
};

class ChatPrompt {
 public:
  /// `model` must outlive this object.
  ChatPrompt(const llama_model* model, const TemplateOptions& options);

  /// The message is found by rendering once more with a marker in its place: what stands around the
  /// marker must also stand around the message, so a message that occurs twice, or holds template
  /// text, cannot mislead it. What the mode of reasoning wants is added at the end. Throws
  /// Error{kBadInput} where the template changes its surroundings with the message.
  [[nodiscard]] RenderedChat render_text(const Conversation& conversation) const {
    return render_text(conversation, mode_);
  }
  /// The same as tokens; the span holds every token with at least one byte of the message.
  [[nodiscard]] Prompt render(const Conversation& conversation) const;
  /// Tokens up to where the visible reply begins, as if reasoning were skipped.
  [[nodiscard]] std::vector<int32_t> render_visible(const Conversation& conversation) const;
  /// Tokens of messages that need not end with the user's, and of the opening of what follows them.
  [[nodiscard]] std::vector<int32_t> render_whole(const std::vector<Message>& messages) const;
  /// The template itself.
  [[nodiscard]] const std::string& source() const { return template_.source(); }
  [[nodiscard]] const ReasoningMarks& marks() const { return template_.layout().marks; }
  /// False if no prompt leaves room for reasoning: the template knows none, or it is off or
  /// skipped.
  [[nodiscard]] bool may_reason() const { return may_reason_; }

 private:
  [[nodiscard]] RenderedChat render_text(const Conversation& conversation,
                                         ReasoningMode mode) const;
  [[nodiscard]] std::string apply(const std::vector<Message>& messages, ReasoningMode mode) const {
    return template_.apply(messages, mode == ReasoningMode::kOn);
  }
  [[nodiscard]] bool has_room_for_reasoning() const;

  const llama_vocab* vocab_;
  ReasoningMode mode_;
  ChatTemplate template_;
  bool may_reason_;
};

/// Byte range of `text` that each token stands for. Tolerates a begin mark and a leading blank that
/// the tokenizer added, and blanks it swallowed next to special tokens. Throws Error{kBadInput} if
/// the tokens say something else.
[[nodiscard]] std::vector<std::pair<size_t, size_t>> align_tokens(
    const llama_vocab* vocab, const std::vector<int32_t>& tokens, const std::string& text);

}  // namespace mascing
