// Conversations and multiple-choice questions as JSON lines, the project's own format:
//   {"id", "messages": [{"role", "content"}...], "label"?, "topic"?, "category"?, "tactic"?,
//   "split"?,
//    "reference"?, "reply"?, "turn"?, "attempt"?, "cut_turns"?, "script"?}
//   {"id"?, "question", "choices": [...], "answer": index}
#pragma once

#include <string>
#include <vector>

#include "mascing/conversation.h"
#include "mascing/warning.h"

namespace mascing {

/// One conversation per line, in file order. Other keys, a byte order mark, CRLF and blank lines
/// are accepted; a missing id becomes "<file stem>:<line>". Throws Error{kBadInput} with file and
/// line for invalid UTF-8 or JSON, missing messages, an unknown role, a wrong type, or an id used
/// twice; Error{kInsufficient} if the file contains no conversation.
/// `warnings` is told of keys that nothing reads and that are nearly one of ours (misspelt_keys).
[[nodiscard]] std::vector<Conversation> read_conversations(
    const std::string& path, std::vector<Warning>* warnings = nullptr);

/// As above, for questions; `answer` must be the index of one of at least two choices.
[[nodiscard]] std::vector<ChoiceQuestion> read_choices(const std::string& path);

/// True for several user messages and none of the assistant's: a rollout writes the replies.
[[nodiscard]] bool is_script(const Conversation& conversation);
/// True if any turn is the assistant's.
[[nodiscard]] bool has_reply(const Conversation& conversation);

/// One line without its line break: keys in alphabetical order, empty fields omitted. Bytes that
/// are not valid UTF-8 become U+FFFD.
[[nodiscard]] std::string to_jsonl(const Conversation& conversation);

}  // namespace mascing
