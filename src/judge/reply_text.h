// Replies as visible to the reader, and normalised for comparison.
#pragma once

#include <string>
#include <string_view>

namespace mascing {

/// The visible reply, without reasoning by the marks of all known models (mascing/reply_parts.h)
/// and without `<answer>` tags. If the template opens the reasoning and the reply is cut off within
/// it, it looks like an answer; raise max_tokens in that case.
[[nodiscard]] std::string visible_reply(std::string_view reply);

/// Lower case, straight quotes and dashes, single spaces, no leading markup (`*_#>"'`).
[[nodiscard]] std::string normalise(std::string_view text);

/// True for bytes of a word: ASCII letters and digits, and the lead bytes of accented Latin letters
/// (U+00C0 to U+024F).
[[nodiscard]] bool is_word_byte(char c);

}  // namespace mascing
