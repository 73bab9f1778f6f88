// Reasoning markers and typographic characters of open models.
#include "judge/reply_text.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/similar_text.h"
#include "mascing/reply_parts.h"

namespace mascing {
namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 18> kPlainForms = {{
    {"\u2018", "'"},
    {"\u2019", "'"},
    {"\u02BC", "'"},
    {"\u2032", "'"},
    {"\u00B4", "'"},
    {"`", "'"},
    {"\u201C", "\""},
    {"\u201D", "\""},
    {"\u201E", "\""},
    {"\u2010", "-"},
    {"\u2011", "-"},
    {"\u2013", "-"},
    {"\u2014", "-"},
    {"\u2026", "..."},
    {"\u00A0", " "},
    {"\u202F", " "},
    {"\u200B", ""},
    {"\uFEFF", ""},
}};

constexpr std::string_view kMarkup = " *_#>\"'";

bool is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

std::string with_plain_forms(std::string_view text) {
  std::string plain;
  plain.reserve(text.size());
  while (!text.empty()) {
    const auto* const form =
        std::find_if(kPlainForms.begin(), kPlainForms.end(), [text](const auto& pair) {
          return text.substr(0, pair.first.size()) == pair.first;
        });
    if (form != kPlainForms.end()) {
      plain += form->second;
      text.remove_prefix(form->first.size());
    } else {
      plain += text.front();
      text.remove_prefix(1);
    }
  }
  return plain;
}

std::string with_single_spaces(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (!is_space(c)) {
      result += c;
    } else if (!result.empty() && result.back() != ' ') {
      result += ' ';
    }
  }
  return result.substr(0, result.find_last_not_of(' ') + 1);
}

// Keeps the text after the last `marker`; leaves `text` unchanged without one.
void cut_after_last(std::string_view& text, std::string_view marker) {
  const size_t at = text.rfind(marker);
  if (at != std::string_view::npos) {
    text.remove_prefix(at + marker.size());
  }
}

void cut_from(std::string_view& text, std::string_view marker) {
  text = text.substr(0, text.find(marker));
}

}  // namespace

std::string normalise(std::string_view text) {
  const std::string plain = with_single_spaces(with_plain_forms(text));
  const size_t start = plain.find_first_not_of(kMarkup);
  return start == std::string::npos ? "" : fold_case(plain.substr(start));
}

std::string visible_reply(std::string_view reply) {
  const std::string divided = split_reply(reply).visible;
  std::string_view visible = divided;
  cut_after_last(visible, "<answer>");
  cut_from(visible, "</answer>");
  while (!visible.empty() && is_space(visible.front())) {
    visible.remove_prefix(1);
  }
  while (!visible.empty() && is_space(visible.back())) {
    visible.remove_suffix(1);
  }
  return std::string(visible);
}

std::optional<Verdict> silent_verdict(std::string_view reply) {
  if (!visible_reply(reply).empty()) {
    return std::nullopt;
  }
  return split_reply(reply).is_unfinished ? Verdict::kUnfinished : Verdict::kEmpty;
}

}  // namespace mascing
