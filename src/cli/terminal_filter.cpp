// Goes through the text character by character; at most one of them waits for its end.
#include "cli/terminal_filter.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "report/ansi.h"

namespace mascing::cli {
namespace {

constexpr std::array<std::string_view, 6> kColours = {
    ansi::kBold, ansi::kGreen, ansi::kRed, ansi::kYellow, ansi::kUnderlined, ansi::kReset};
constexpr size_t kLongestCharacter = 4;

/// Bytes of the colour at the start of `text`; 0 if there is none.
size_t colour_size(std::string_view text) {
  for (const std::string_view colour : kColours) {
    if (text.starts_with(colour)) {
      return colour.size();
    }
  }
  return 0;
}

bool may_become_colour(std::string_view text) {
  return std::any_of(kColours.begin(), kColours.end(), [&](std::string_view colour) {
    return colour.starts_with(text);
  });
}

/// True for the first bytes of a character whose last ones are missing.
bool may_become_character(std::string_view text) {
  const unsigned char lead = text.front();
  const auto is_tail = [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; };
  return lead >= 0xC2 && lead <= 0xF4 && text.size() < kLongestCharacter &&
         std::all_of(text.begin() + 1, text.end(), is_tail);
}

bool is_layout(char c) {
  return c == '\n' || c == '\t';
}

}  // namespace

TerminalFilter::TerminalFilter(std::ostream& stream, bool is_terminal)
    : stream_(stream), target_(stream.rdbuf()), is_terminal_(is_terminal) {
  stream_.rdbuf(this);
}

TerminalFilter::~TerminalFilter() {
  pass_on(true);
  stream_.rdbuf(target_);
}

void TerminalFilter::put_raw(std::string_view text) {
  pass_on(true);
  target_->sputn(text.data(), std::ssize(text));
}

TerminalFilter::int_type TerminalFilter::overflow(int_type byte) {
  if (traits_type::eq_int_type(byte, traits_type::eof())) {
    return traits_type::not_eof(byte);
  }
  const char c = traits_type::to_char_type(byte);
  return xsputn(&c, 1) == 1 ? byte : traits_type::eof();
}

std::streamsize TerminalFilter::xsputn(const char* text, std::streamsize n) {
  waiting_.append(text, n);
  return pass_on(false) ? n : 0;
}

int TerminalFilter::sync() {
  return target_->pubsync();
}

bool TerminalFilter::pass_on(bool is_end) {
  const std::string_view text = waiting_;
  std::string clean;
  size_t i = 0;
  while (i < text.size()) {
    const std::string_view rest = text.substr(i);
    const size_t n = std::max(utf8_size(text, i), colour_size(rest));
    const bool may_go_on = n == 0 ? may_become_character(rest) : n == 1 && may_become_colour(rest);
    if (may_go_on && !is_end) {
      break;
    }
    const std::string_view unit = rest.substr(0, std::max<size_t>(n, 1));
    const bool is_plain = is_layout(unit.front()) || colour_size(unit) > 0;
    const bool is_shown = n > 1 && !is_terminal_;
    const bool is_bad = n == 0 ? is_terminal_ : is_control_character(unit);
    clean += is_plain || is_shown || !is_bad ? unit : "?";
    i += unit.size();
  }
  waiting_.erase(0, i);
  return target_->sputn(clean.data(), std::ssize(clean)) == std::ssize(clean);
}

void put_raw(std::ostream& stream, std::string_view text) {
  if (auto* filter = dynamic_cast<TerminalFilter*>(stream.rdbuf())) {
    filter->put_raw(text);
  } else {
    stream << text;
  }
}

}  // namespace mascing::cli
