// Small text helpers: UTF-8 check, trimming, closest word, locale-independent numbers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mascing {

/// True for well-formed UTF-8: no overlong forms, no surrogates, nothing above U+10FFFF.
[[nodiscard]] bool is_valid_utf8(std::string_view text);

/// Removes spaces, tabs and line breaks at both ends.
[[nodiscard]] std::string trim(std::string_view text);

/// A-Z to a-z, all other bytes unchanged.
[[nodiscard]] std::string to_lower_ascii(std::string_view text);

/// Number of bytes of the character that begins at `i`, or 0 if there is no well-formed one.
[[nodiscard]] size_t utf8_size(std::string_view text, size_t i);

/// A character, or a byte that begins none.
struct Utf8Character {
  char32_t code = 0xFFFD;  ///< U+FFFD for such a byte
  size_t n_byte = 1;
  bool is_valid = false;
};

/// What begins at `i`, which must lie within the text. Every byte of a sequence that is overlong,
/// cut, a surrogate or beyond U+10FFFF stands alone.
[[nodiscard]] Utf8Character utf8_character(std::string_view text, size_t i);

/// For texts that must be UTF-8: what is not becomes U+FFFD, and a character that the end of the
/// text cuts is left out.
[[nodiscard]] std::string whole_utf8(std::string text);

/// True for a character (one, in UTF-8) that a terminal or a page could take for an instruction, or
/// that nobody sees: C0 and C1 controls, DEL, line and paragraph separators, marks that turn the
/// direction of writing, tag characters and all else that is invisible. Joiners and U+FE0F, which
/// emoji and some scripts need, are not. Bytes that are no character are: terminals that do not
/// read UTF-8 take some of them for C1 controls.
[[nodiscard]] bool is_control_character(std::string_view character);

/// For messages: control characters and bytes that are not valid UTF-8 become "?", and a text
/// longer than `n_max` bytes is cut and ends in "...".
[[nodiscard]] std::string printable(std::string_view text, size_t n_max = 80);

/// The candidate with the smallest Levenshtein distance to `word` (ASCII case ignored; the first of
/// equal ones), or an empty string if none is close enough for a typo: at most half of
/// the word's letters and at most three.
[[nodiscard]] std::string closest_match(const std::string& word,
                                        const std::vector<std::string>& candidates);

/// "1 row", "2 rows".
[[nodiscard]] std::string counted(int64_t n, const std::string& word);

/// A word as the shell takes it: unchanged if it needs no quotes, otherwise within single ones.
[[nodiscard]] std::string shell_quoted(const std::string& word);

/// Fixed notation with a decimal point in any locale: format_number(0.98765, 2) =
/// "0.99". "nan", "inf" and "-inf" for those.
[[nodiscard]] std::string format_number(double value, int decimals);

/// A share in percent without the unit: percent_number(0.9876) = "98.8".
[[nodiscard]] std::string percent_number(double share, int decimals = 1);

/// A strength as it is typed: with two decimals, or as many more as single precision needs to tell
/// it. format_strength(0.8) = "0.80", format_strength(0.125) = "0.125".
[[nodiscard]] std::string format_strength(double strength);

/// A share for messages: format_percent(0.9876) = "98.8 %".
[[nodiscard]] std::string format_percent(double share);
/// A difference of shares: format_points(0.021) = "2.1 points".
[[nodiscard]] std::string format_points(double difference);

}  // namespace mascing
