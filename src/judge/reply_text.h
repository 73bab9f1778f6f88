// Replies as visible to the reader, and normalised for comparison.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "mascing/judge.h"

namespace mascing {

/// The visible reply, without reasoning by the marks of all known models (mascing/reply_parts.h)
/// and without `<answer>` tags. Idempotent, so it may be given what split_reply found visible. A
/// reply that is cut off in reasoning which the prompt opened looks like an answer; only
/// split_reply with the prompt's format can tell.
[[nodiscard]] std::string visible_reply(std::string_view reply);

/// The verdict on a reply that shows nothing: kUnfinished if it ends within its reasoning, else
/// kEmpty. None if there is something to judge.
[[nodiscard]] std::optional<Verdict> silent_verdict(std::string_view reply);

/// Lower case, straight quotes and dashes, single spaces, no leading markup (`*_#>"'`).
[[nodiscard]] std::string normalise(std::string_view text);

}  // namespace mascing
