// The span of the final user message by byte offsets in the rendered text.
#include "host/llama/chat_prompt.h"

#include <common.h>

#include <llama.h>

#include "host/llama/tokenizer.h"
#include "mascing/error.h"

namespace mascing {
namespace {

constexpr const char* kMarker = "mascing0marker0for0the0final0message";

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

bool continues_with(const std::string& text, size_t at, std::string_view piece) {
  return text.compare(at, piece.size(), piece) == 0;
}

/// True for tokens behind which SentencePiece tokenizers put a blank of their own.
bool is_special(const llama_vocab* vocab, int32_t token) {
  constexpr int kSpecial =
      LLAMA_TOKEN_ATTR_CONTROL | LLAMA_TOKEN_ATTR_USER_DEFINED | LLAMA_TOKEN_ATTR_UNKNOWN;
  return (llama_vocab_get_attr(vocab, token) & kSpecial) != 0;
}

/// Bytes of `text` at `at` that `piece` stands for, or npos.
size_t match_length(const std::string& text, size_t at, std::string_view piece) {
  if (continues_with(text, at, piece)) {
    return piece.size();
  }
  if (!piece.empty() && piece.front() == ' ' && continues_with(text, at, piece.substr(1))) {
    return piece.size() - 1;
  }
  return std::string::npos;
}

}  // namespace

ChatPrompt::ChatPrompt(const llama_model* model, const TemplateOptions& options)
    : vocab_(llama_model_get_vocab(model)),
      mode_(options.reasoning),
      template_(model, options.arguments),
      may_reason_(has_room_for_reasoning()) {}

/// Where "off" changes nothing, the template does not know how, and the model reasons if it likes.
bool ChatPrompt::has_room_for_reasoning() const {
  if (!template_.layout().has_marks() || mode_ == ReasoningMode::kSkip) {
    return false;
  }
  if (mode_ == ReasoningMode::kOn) {
    return true;
  }
  const std::vector<Message> question = {{"user", kMarker}};
  try {
    const std::string off = template_.apply(question, false);
    const size_t at = off.rfind(kMarker);
    if (at == std::string::npos) {
      return true;  // a template that alters the text
    }
    const std::string tail = off.substr(at + std::string_view(kMarker).size());
    return !ends_in_reasoning(tail, marks()) && off == template_.apply(question, true);
  } catch (const Error&) {
    return true;  // a template that wants other messages: nothing is known of it
  }
}

RenderedChat ChatPrompt::render_text(const Conversation& conversation, ReasoningMode mode) const {
  if (conversation.messages.empty() || conversation.messages.back().role != "user") {
    throw Error(ErrorKind::kBadInput, "[host] the conversation does not end with a user message");
  }
  const std::string marker = kMarker;
  std::vector<Message> messages = conversation.messages;
  messages.back().content = marker;
  const std::string marked = apply(messages, mode);
  const size_t at = marked.find(marker);
  RenderedChat result;
  result.text = apply(conversation.messages, mode);
  if (at == std::string::npos || marked.find(marker, at + 1) != std::string::npos) {
    throw Error(ErrorKind::kBadInput,
                "[host] the chat template does not render the final user message exactly once");
  }
  const size_t n_after = marked.size() - at - marker.size();
  const bool fits =
      result.text.size() >= at + n_after && result.text.compare(0, at, marked, 0, at) == 0 &&
      result.text.compare(
          result.text.size() - n_after, n_after, marked, at + marker.size(), n_after) == 0;
  if (!fits) {
    throw Error(ErrorKind::kBadInput,
                "[host] the chat template's own text depends on the final user message");
  }
  result.begin = at;
  result.end = result.text.size() - n_after;
  if (result.begin == result.end) {
    throw Error(ErrorKind::kBadInput, "[host] the final user message is empty");
  }
  result.text +=
      settle_reasoning(std::string_view(result.text).substr(result.end), template_.layout(), mode);
  result.opens_reasoning =
      ends_in_reasoning(std::string_view(result.text).substr(result.end), marks());
  return result;
}

Prompt ChatPrompt::render(const Conversation& conversation) const {
  const RenderedChat chat = render_text(conversation);
  Prompt prompt;
  prompt.tokens = tokenize_text(vocab_, chat.text, true, true);
  const auto ranges = align_tokens(vocab_, prompt.tokens, chat.text);
  int64_t begin = -1;
  int64_t end = -1;
  for (int64_t i = 0; i < std::ssize(ranges); ++i) {
    const bool overlaps = ranges[i].first < chat.end && ranges[i].second > chat.begin;
    if (overlaps) {
      begin = begin < 0 ? i : begin;
      end = i + 1;
    }
  }
  if (begin < 0) {
    throw Error(ErrorKind::kBadInput, "[host] no token belongs to the final user message");
  }
  prompt.final_user = {begin, end};
  prompt.opens_reasoning = chat.opens_reasoning;
  return prompt;
}

std::vector<int32_t> ChatPrompt::render_visible(const Conversation& conversation) const {
  return tokenize_text(vocab_, render_text(conversation, ReasoningMode::kSkip).text, true, true);
}

std::vector<int32_t> ChatPrompt::render_whole(const std::vector<Message>& messages) const {
  return tokenize_text(vocab_, apply(messages, mode_), true, true);
}

std::vector<std::pair<size_t, size_t>> align_tokens(const llama_vocab* vocab,
                                                    const std::vector<int32_t>& tokens,
                                                    const std::string& text) {
  std::vector<std::pair<size_t, size_t>> ranges;
  ranges.reserve(tokens.size());
  size_t at = 0;
  bool may_add_blank = llama_vocab_type(vocab) == LLAMA_VOCAB_TYPE_SPM;
  for (const int32_t token : tokens) {
    const std::string piece = common_token_to_piece(vocab, token, true);
    size_t start = at;
    // Among blanks only this tells the added one from the text's own.
    const bool has_added_blank =
        may_add_blank && piece.starts_with(' ') && continues_with(text, at, piece.substr(1));
    size_t length = has_added_blank ? piece.size() - 1 : match_length(text, start, piece);
    may_add_blank = llama_vocab_type(vocab) == LLAMA_VOCAB_TYPE_SPM && is_special(vocab, token);
    while (length == std::string::npos && start < text.size() && is_blank(text[start])) {
      length = match_length(text, ++start, piece);
    }
    if (length == std::string::npos && ranges.empty() && token == llama_vocab_bos(vocab)) {
      start = at;
      length = 0;
    }
    if (length == std::string::npos) {
      throw Error(ErrorKind::kBadInput,
                  "[host] token " + std::to_string(ranges.size()) + " ('" + piece +
                      "') does not match the rendered text at byte " + std::to_string(at),
                  "this tokenizer rewrites its input, so the span of a message cannot be located");
    }
    at = start + length;
    ranges.emplace_back(start, at);
  }
  return ranges;
}

}  // namespace mascing
