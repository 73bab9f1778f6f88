// UTF-8 by the table of the Unicode standard (3-7), Levenshtein distance by two rows.
#include "base/text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <utility>

#include "base/numeric.h"

namespace mascing {

namespace {

// Bytes that follow `lead`, and the range the first of them must lie in; no bytes for an invalid
// lead.
struct Utf8Rule {
  size_t n_follow = 0;
  unsigned char low = 0x80;
  unsigned char high = 0xBF;
};

Utf8Rule utf8_rule(unsigned char lead) {
  if (lead >= 0xC2 && lead <= 0xDF) {
    return {.n_follow = 1};
  }
  if (lead >= 0xE0 && lead <= 0xEF) {
    const unsigned char low = lead == 0xE0 ? 0xA0 : 0x80;
    const unsigned char high = lead == 0xED ? 0x9F : 0xBF;
    return {.n_follow = 2, .low = low, .high = high};
  }
  if (lead >= 0xF0 && lead <= 0xF4) {
    const unsigned char low = lead == 0xF0 ? 0x90 : 0x80;
    const unsigned char high = lead == 0xF4 ? 0x8F : 0xBF;
    return {.n_follow = 3, .low = low, .high = high};
  }
  return {};
}

/// Bytes behind the lead at `i` that may follow it, up to the end of the text.
size_t count_follow(std::string_view text, size_t i, const Utf8Rule& rule) {
  size_t n = 0;
  while (n < rule.n_follow && i + n + 1 < text.size()) {
    const unsigned char byte = text[i + n + 1];
    if (byte < (n == 0 ? rule.low : 0x80) || byte > (n == 0 ? rule.high : 0xBF)) {
      break;
    }
    ++n;
  }
  return n;
}

/// Whether the character that begins at `i` would go on behind the end of the text.
bool is_cut_at_end(std::string_view text, size_t i) {
  const Utf8Rule rule = utf8_rule(text[i]);
  const size_t n = count_follow(text, i, rule);
  return n < rule.n_follow && i + n + 1 == text.size();
}

struct CodeRange {
  char32_t first = 0;
  char32_t last = 0;
};

// Unicode's Cc, Zl, Zp, Default_Ignorable_Code_Point and interlinear marks, but for what emoji and
// some scripts cannot do without: the joiners U+200C and U+200D and the variation selector U+FE0F.
constexpr std::array<CodeRange, 20> kHidden = {
    {{0x0000, 0x001F}, {0x007F, 0x009F},   {0x00AD, 0x00AD},   {0x034F, 0x034F},
     {0x061C, 0x061C}, {0x115F, 0x1160},   {0x17B4, 0x17B5},   {0x180B, 0x180F},
     {0x200B, 0x200B}, {0x200E, 0x200F},   {0x2028, 0x202E},   {0x2060, 0x206F},
     {0x3164, 0x3164}, {0xFE00, 0xFE0E},   {0xFEFF, 0xFEFF},   {0xFFA0, 0xFFA0},
     {0xFFF0, 0xFFFB}, {0x1BCA0, 0x1BCA3}, {0x1D173, 0x1D17A}, {0xE0000, 0xE0FFF}}};

size_t levenshtein(std::string_view a, std::string_view b) {
  std::vector<size_t> above(b.size() + 1);
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) {
    above[j] = j;
  }
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({replaced, above[j] + 1, row[j - 1] + 1});
    }
    std::swap(above, row);
  }
  return above[b.size()];
}

}  // namespace

size_t utf8_size(std::string_view text, size_t i) {
  const unsigned char lead = text[i];
  if (lead < 0x80) {
    return 1;
  }
  const Utf8Rule rule = utf8_rule(lead);
  if (rule.n_follow == 0 || count_follow(text, i, rule) < rule.n_follow) {
    return 0;
  }
  return rule.n_follow + 1;
}

Utf8Character utf8_character(std::string_view text, size_t i) {
  const size_t n_byte = utf8_size(text, i);
  if (n_byte == 0) {
    return {};
  }
  const unsigned char lead = text[i];
  char32_t code = n_byte == 1 ? lead : lead & (0x7FU >> n_byte);
  for (const char c : text.substr(i + 1, n_byte - 1)) {
    code = (code << 6U) | (static_cast<unsigned char>(c) & 0x3FU);
  }
  return {code, n_byte, true};
}

std::string whole_utf8(std::string text) {
  if (is_valid_utf8(text)) {
    return text;
  }
  std::string whole;
  for (size_t i = 0; i < text.size();) {
    const size_t n = utf8_size(text, i);
    if (n > 0) {
      whole.append(text, i, n);
    } else if (is_cut_at_end(text, i)) {
      break;
    } else {
      whole += "\xEF\xBF\xBD";
    }
    i += std::max<size_t>(n, 1);
  }
  return whole;
}

bool is_valid_utf8(std::string_view text) {
  size_t i = 0;
  while (i < text.size()) {
    const size_t n = utf8_size(text, i);
    if (n == 0) {
      return false;
    }
    i += n;
  }
  return true;
}

bool is_control_character(std::string_view character) {
  if (character.empty()) {
    return false;
  }
  const auto [code, n_byte, is_valid] = utf8_character(character, 0);
  if (!is_valid || n_byte != character.size()) {
    return true;
  }
  return std::any_of(kHidden.begin(), kHidden.end(), [code = code](const CodeRange& range) {
    return code >= range.first && code <= range.last;
  });
}

std::string trim(std::string_view text) {
  constexpr std::string_view kSpaces = " \t\r\n\v\f";
  const size_t begin = text.find_first_not_of(kSpaces);
  if (begin == std::string_view::npos) {
    return {};
  }
  const size_t end = text.find_last_not_of(kSpaces) + 1;
  return std::string(text.substr(begin, end - begin));
}

std::string to_lower_ascii(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') {
      c = static_cast<char>(c - 'A' + 'a');
    }
  }
  return lower;
}

std::string printable(std::string_view text, size_t n_max) {
  std::string clean;
  for (size_t i = 0; i < text.size();) {
    if (clean.size() >= n_max) {
      return clean + "...";
    }
    const size_t n = utf8_size(text, i);
    const std::string_view character = text.substr(i, std::max<size_t>(n, 1));
    clean += n == 0 || is_control_character(character) ? "?" : character;
    i += character.size();
  }
  return clean;
}

std::string counted(int64_t n, const std::string& word) {
  return std::to_string(n) + ' ' + word + (n == 1 ? "" : "s");
}

std::string shell_quoted(const std::string& word) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./=:,+@%";
  if (!word.empty() && word.find_first_not_of(kPlain) == std::string::npos) {
    return word;
  }
  std::string quoted = "'";
  for (const char c : word) {
    quoted += c == '\'' ? "'\\''" : std::string(1, c);
  }
  return quoted + "'";
}

std::string closest_match(const std::string& word, const std::vector<std::string>& candidates) {
  const std::string lower = to_lower_ascii(word);
  size_t best = std::clamp<size_t>(word.size() / 2, 1, 3) + 1;
  std::string found;
  for (const std::string& candidate : candidates) {
    const size_t distance = levenshtein(lower, to_lower_ascii(candidate));
    if (distance < best && distance < candidate.size()) {
      best = distance;
      found = candidate;
    }
  }
  return found;
}

std::string format_number(double value, int decimals) {
  if (std::isnan(value)) {
    return "nan";
  }
  std::array<char, 512> buffer{};
  const auto [end, failure] = std::to_chars(buffer.data(),
                                            buffer.data() + buffer.size(),
                                            value,
                                            std::chars_format::fixed,
                                            std::clamp(decimals, 0, 60));
  std::string text = failure == std::errc{} ? std::string(buffer.data(), end) : "nan";
  if (text.front() == '-' && text.find_first_not_of("-0.") == std::string::npos) {
    text.erase(0, 1);  // there is no negative zero
  }
  return text;
}

std::string percent_number(double share, int decimals) {
  return format_number(100.0 * share, decimals);
}

std::string format_strength(double strength) {
  constexpr int kMostDigits = 9;
  const float wanted = to_float(strength);
  int n_digit = 2;
  std::string text = format_number(wanted, n_digit);
  float told = 0.0F;
  while (std::from_chars(text.data(), text.data() + text.size(), told).ec == std::errc{} &&
         told != wanted && n_digit < kMostDigits) {
    text = format_number(wanted, ++n_digit);
  }
  return text;
}

std::string format_percent(double share) {
  return percent_number(share) + " %";
}

std::string format_points(double difference) {
  return percent_number(difference) + " points";
}

}  // namespace mascing
