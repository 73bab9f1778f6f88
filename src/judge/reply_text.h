// Replies as a reader sees them, and in one spelling for comparing.
#pragma once

#include <string>
#include <string_view>

namespace mascing {

/// What the user gets to read: without reasoning (all up to the last `</think>`, all from a
/// `<think>` that is never closed, all but the final channel of gpt-oss), without `<answer>` tags.
/// A reply whose template opened the reasoning and that was cut off within it cannot be told from
/// an answer: raise max_tokens.
[[nodiscard]] std::string visible_reply(std::string_view reply);

/// Small letters, straight quotes and dashes, single blanks, no markup (`*_#>"'`) in front.
[[nodiscard]] std::string normalise(std::string_view text);

/// True for bytes of a word: ASCII letters and digits, and the lead bytes of accented Latin letters
/// (U+00C0 to U+024F).
[[nodiscard]] bool is_word_byte(char c);

}  // namespace mascing
