// A scan from mark to mark: outside of a block the text is visible, inside it is reasoning. Formats
// with named channels (gpt-oss, with or without its special tokens) are read channel by channel.
#include "mascing/reply_parts.h"

#include <algorithm>
#include <array>

#include "format/known_marks.h"

namespace mascing {
namespace {

using Marks = ReasoningMarks;

/// What stands around the visible part in one format or another; it is no text.
constexpr std::array<std::string_view, 26> kEnvelopes = {
    "<answer>",
    "</answer>",
    "<response>",
    "</response>",
    "<|START_RESPONSE|>",
    "<|END_RESPONSE|>",
    "<|START_TEXT|>",
    "<|END_TEXT|>",
    "[BEGIN FINAL RESPONSE]",
    "[END FINAL RESPONSE]",
    "<|begin_of_solution|>",
    "<|end_of_solution|>",
    "<|open|>response<|sep|>",
    "<|close|>response<|sep|>",
    "<|close|>message<|sep|>",
    "<|begin|>assistant",
    "<|start|>assistant to=user<|message|>",
    "to=user<|message|>",
    "<|start|>assistant",
    "<|start|> assistant",
    "<|content|>",
    "<|message|>",
    "<|return|>",
    "<|eom|>",
    "<|eot|>",
    "<|end|>",
};

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\n\v\f\r";
  const size_t begin = text.find_first_not_of(kBlank);
  if (begin == std::string_view::npos) {
    return {};
  }
  return text.substr(begin, text.find_last_not_of(kBlank) - begin + 1);
}

/// Takes envelopes and white space off both ends.
std::string_view unwrapped(std::string_view text) {
  for (bool is_changed = true; is_changed;) {
    is_changed = false;
    text = trimmed(text);
    for (const std::string_view mark : kEnvelopes) {
      if (text.starts_with(mark)) {
        text.remove_prefix(mark.size());
        is_changed = true;
      }
      if (text.ends_with(mark)) {
        text.remove_suffix(mark.size());
        is_changed = true;
      }
    }
  }
  return text;
}

void append_paragraph(std::string& text, std::string_view piece) {
  piece = unwrapped(piece);
  if (!text.empty() && !piece.empty()) {
    text += "\n\n";
  }
  text += piece;
}

struct Found {
  size_t at = std::string_view::npos;
  size_t size = 0;
  const Marks* marks = nullptr;

  [[nodiscard]] bool is_there() const { return at != std::string_view::npos; }
  [[nodiscard]] size_t end() const { return at + size; }
};

void keep_first(Found& first, std::string_view text, size_t from, std::string_view mark) {
  const size_t at = mark.empty() ? std::string_view::npos : text.find(mark, from);
  if (at < first.at) {
    first.at = at;
    first.size = mark.size();
  }
}

Found first_end(std::string_view text, size_t from, const Marks& marks) {
  Found first;
  for (const std::string& end : marks.ends) {
    keep_first(first, text, from, end);
  }
  return first;
}

Found first_start(std::string_view text, size_t from, const std::vector<Marks>& all) {
  Found first;
  for (const Marks& marks : all) {
    const size_t before = first.at;
    keep_first(first, text, from, marks.start);
    first.marks = first.at < before ? &marks : first.marks;
  }
  return first;
}

// ---------------------------------------------------------------- channels of gpt-oss

constexpr std::string_view kChannel = "<|channel|>";
constexpr std::string_view kMessage = "<|message|>";

bool has_channels(const Marks& marks) {
  return marks.start.starts_with(kChannel);
}

/// <|channel|>NAME<|message|>TEXT, up to the next mark. Some vocabularies put a blank before NAME.
ReplyParts split_channels(std::string_view reply, bool is_opened) {
  ReplyParts parts;
  bool has_final = false;
  std::string_view name = is_opened ? "analysis" : "final";
  size_t at = 0;
  while (true) {
    const size_t next = reply.find(kChannel, at);
    const std::string_view text =
        reply.substr(at, next == std::string_view::npos ? next : next - at);
    append_paragraph(name.starts_with("final") ? parts.visible : parts.reasoning, text);
    if (next == std::string_view::npos) {
      break;
    }
    const size_t message = reply.find(kMessage, next);
    if (message == std::string_view::npos) {
      break;  // cut within the head of a channel
    }
    name = trimmed(reply.substr(next + kChannel.size(), message - next - kChannel.size()));
    has_final = has_final || name.starts_with("final");
    at = message + kMessage.size();
  }
  parts.is_unfinished = !has_final && parts.visible.empty();
  return parts;
}

constexpr std::string_view kBareAnalysis = "analysis";
constexpr std::string_view kBareFinal = "assistantfinal";

/// The same with its special tokens left out: analysisTEXTassistantfinalTEXT. A word such as
/// "analysis" that begins an ordinary sentence is followed by a blank or a small letter.
bool has_bare_channels(std::string_view reply, bool is_opened) {
  const bool has_final = reply.find(kBareFinal) != std::string_view::npos;
  if (is_opened || !reply.starts_with(kBareAnalysis)) {
    return is_opened && has_final;
  }
  const std::string_view rest = reply.substr(kBareAnalysis.size());
  return has_final || (!rest.empty() && rest.front() >= 'A' && rest.front() <= 'Z');
}

ReplyParts split_bare_channels(std::string_view reply, bool is_opened) {
  const size_t begin = is_opened ? 0 : kBareAnalysis.size();
  const size_t at = reply.rfind(kBareFinal);
  ReplyParts parts;
  parts.is_unfinished = at == std::string_view::npos;
  append_paragraph(parts.reasoning, reply.substr(begin, parts.is_unfinished ? at : at - begin));
  if (!parts.is_unfinished) {
    append_paragraph(parts.visible, reply.substr(at + kBareFinal.size()));
  }
  return parts;
}

// ---------------------------------------------------------------- blocks

/// An end without a start before it: whoever rendered the prompt opened the block.
const Marks* opened_unseen(std::string_view reply, const std::vector<Marks>& all) {
  const Found start = first_start(reply, 0, all);
  for (const Marks& marks : all) {
    const Found end = first_end(reply, 0, marks);
    const bool is_bare_word =
        marks.ends.front().front() != '<' && marks.ends.front().front() != '[';
    if (end.is_there() && end.at < start.at && !is_bare_word && marks.ends.front() != "<|end|>") {
      return &marks;
    }
  }
  return nullptr;
}

ReplyParts split_blocks(std::string_view reply,
                        const std::vector<Marks>& all,
                        const Marks* inside) {
  ReplyParts parts;
  size_t at = 0;
  while (at <= reply.size()) {
    if (inside != nullptr) {
      const Found end = first_end(reply, at, *inside);
      append_paragraph(parts.reasoning, reply.substr(at, end.is_there() ? end.at - at : end.at));
      if (!end.is_there()) {
        parts.is_unfinished = parts.visible.empty();
        return parts;
      }
      at = end.end();
      inside = nullptr;
    }
    const Found start = first_start(reply, at, all);
    append_paragraph(parts.visible, reply.substr(at, start.is_there() ? start.at - at : start.at));
    if (!start.is_there()) {
      return parts;
    }
    at = start.end();
    inside = start.marks;
  }
  return parts;
}

}  // namespace

ReplyParts split_reply(std::string_view reply, const ReplyFormat& format) {
  const bool is_channelled = reply.find(kChannel) != std::string_view::npos;
  const bool may_be_channelled = has_channels(format.marks);
  if (!is_channelled && has_bare_channels(reply, may_be_channelled && format.is_opened)) {
    return split_bare_channels(reply, may_be_channelled && format.is_opened);
  }
  if (is_channelled || may_be_channelled) {
    return split_channels(reply, format.is_opened);
  }
  const std::vector<Marks> own = {format.marks};
  const std::vector<Marks>& all = format.marks.start.empty() ? known_marks() : own;
  const Marks* inside = format.is_opened && &all == &own ? own.data() : opened_unseen(reply, all);
  return split_blocks(reply, all, inside);
}

}  // namespace mascing
