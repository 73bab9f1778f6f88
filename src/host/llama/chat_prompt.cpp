// Chat templates through llama.cpp's `common`; the span of the final user message by byte offsets.
#include "host/llama/chat_prompt.h"

#include <chrono>

#include <chat.h>
#include <common.h>
#include <log.h>

#include <llama.h>

#include "mascing/error.h"

namespace mascing {
namespace {

// Templates that print today's date would make every day another model: the date is pinned.
constexpr int64_t kPinnedDate = 1767225600;  // 2026-01-01 00:00:00 UTC
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

struct ChatPrompt::Templates {
  common_chat_templates_ptr chat;
};

ChatPrompt::ChatPrompt(const llama_model* model, bool enable_thinking)
    : vocab_(llama_model_get_vocab(model)),
      enable_thinking_(enable_thinking),
      templates_(std::make_unique<Templates>()) {
  common_log_set_verbosity_thold(LOG_LEVEL_ERROR);  // each rendering would warn of pure content
  try {
    templates_->chat = common_chat_templates_init(model, "");
  } catch (const std::exception& e) {
    throw Error(ErrorKind::kBadInput,
                std::string("[host] the model's chat template cannot be read: ") + e.what(),
                "the file's tokenizer.chat_template is broken; convert the model again");
  }
}

ChatPrompt::~ChatPrompt() = default;

std::string ChatPrompt::apply(const Conversation& conversation,
                              const std::string* final_text) const {
  common_chat_templates_inputs inputs;
  inputs.add_generation_prompt = true;
  inputs.use_jinja = true;
  inputs.enable_thinking = enable_thinking_;
  inputs.force_pure_content = true;  // the text is the same without a parser of replies
  inputs.now = std::chrono::system_clock::time_point(std::chrono::seconds(kPinnedDate));
  for (const Message& message : conversation.messages) {
    common_chat_msg part;
    part.role = message.role;
    part.content = message.content;
    inputs.messages.push_back(std::move(part));
  }
  if (final_text != nullptr) {
    inputs.messages.back().content = *final_text;
  }
  try {
    return common_chat_templates_apply(templates_->chat.get(), inputs).prompt;
  } catch (const std::exception& e) {
    throw Error(ErrorKind::kBadInput,
                std::string("[host] the chat template refuses this conversation: ") + e.what(),
                "check the roles: most templates want user and assistant to alternate");
  }
}

RenderedChat ChatPrompt::render_text(const Conversation& conversation) const {
  if (conversation.messages.empty() || conversation.messages.back().role != "user") {
    throw Error(ErrorKind::kBadInput, "[host] the conversation does not end with a user message");
  }
  const std::string marker = kMarker;
  const std::string marked = apply(conversation, &marker);
  const size_t at = marked.find(marker);
  RenderedChat result;
  result.text = apply(conversation, nullptr);
  if (at == std::string::npos || marked.find(marker, at + 1) != std::string::npos) {
    throw Error(ErrorKind::kBadInput,
                "[host] the chat template does not show the final user message exactly once");
  }
  const size_t n_after = marked.size() - at - marker.size();
  const bool fits =
      result.text.size() >= at + n_after && result.text.compare(0, at, marked, 0, at) == 0 &&
      result.text.compare(
          result.text.size() - n_after, n_after, marked, at + marker.size(), n_after) == 0;
  if (!fits) {
    throw Error(ErrorKind::kBadInput,
                "[host] the chat template changes its own text with the final user message");
  }
  result.begin = at;
  result.end = result.text.size() - n_after;
  if (result.begin == result.end) {
    throw Error(ErrorKind::kBadInput, "[host] the final user message is empty");
  }
  return result;
}

Prompt ChatPrompt::render(const Conversation& conversation) const {
  const RenderedChat chat = render_text(conversation);
  Prompt prompt;
  prompt.tokens = common_tokenize(vocab_, chat.text, true, true);
  const auto ranges = align_tokens(vocab_, prompt.tokens, chat.text);
  int64_t begin = -1;
  int64_t end = -1;
  for (size_t i = 0; i < ranges.size(); ++i) {
    const bool overlaps = ranges[i].first < chat.end && ranges[i].second > chat.begin;
    if (overlaps) {
      begin = begin < 0 ? static_cast<int64_t>(i) : begin;
      end = static_cast<int64_t>(i) + 1;
    }
  }
  if (begin < 0) {
    throw Error(ErrorKind::kBadInput, "[host] no token holds the final user message");
  }
  prompt.final_user = {begin, end};
  return prompt;
}

std::vector<int32_t> ChatPrompt::render_whole(const std::vector<Message>& messages) const {
  Conversation conversation;
  conversation.messages = messages;
  return common_tokenize(vocab_, apply(conversation, nullptr), true, true);
}

std::string ChatPrompt::source() const {
  return common_chat_templates_source(templates_->chat.get());
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
                      "') is not where the rendered text has it (byte " + std::to_string(at) + ")",
                  "this tokenizer rewrites its input; the span of a message cannot be found in it");
    }
    at = start + length;
    ranges.emplace_back(start, at);
  }
  return ranges;
}

}  // namespace mascing
