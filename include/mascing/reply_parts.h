// A reply has parts: the reasoning that comes first in many models, and what the user gets to read.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mascing {

/// How a model marks its reasoning, as its chat template has it.
struct ReasoningMarks {
  std::string start = {};
  std::vector<std::string> ends = {};  ///< any of them ends it
};

/// What must be known of a prompt to divide the reply to it.
struct ReplyFormat {
  ReasoningMarks marks = {};  ///< no start: unknown; the marks of all known models are looked for
  bool is_opened = false;     ///< the prompt itself ends within the reasoning
};

struct ReplyParts {
  std::string reasoning;  ///< without marks and surrounding white space; empty if there is none
  std::string visible;    ///< likewise
  /// The reply was cut off, or stopped, before the visible part began.
  bool is_unfinished = false;
};

/// Divides a reply, special tokens included or left out by a detokeniser. Text before, between and
/// behind blocks of reasoning is visible; of gpt-oss's channels the final one alone is.
[[nodiscard]] ReplyParts split_reply(std::string_view reply, const ReplyFormat& format = {});

}  // namespace mascing
