// The samples are compared: what stands before, between and behind their known parts is the
// template's.
#include "format/reasoning_layout.h"

#include <algorithm>

#include "format/known_marks.h"

namespace mascing {
namespace {

constexpr auto kNowhere = std::string_view::npos;

bool has_no_word(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == kNowhere;
}

std::string trimmed_mark(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == kNowhere) {
    return "";
  }
  return std::string(text.substr(begin, text.find_last_not_of(" \t\r\n") + 1 - begin));
}

/// The part of `text` between the end of `before`, which must begin it, and `after`; empty if
/// `text` is not of this form.
std::string part_between(std::string_view text, std::string_view before, std::string_view after) {
  const size_t at = text.starts_with(before) ? text.find(after, before.size()) : kNowhere;
  return at == kNowhere ? "" : std::string(text.substr(before.size(), at - before.size()));
}

/// Ends of a block alone: what begins a call of a tool ends it, too, but nothing visible follows.
void drop_calls(std::vector<std::string>& ends) {
  std::erase_if(ends, [](const std::string& end) {
    return end.find("tool_call") != kNowhere || end.find("function_call") != kNowhere;
  });
}

size_t last_end(std::string_view tail, const ReasoningMarks& marks) {
  size_t last = kNowhere;
  for (const std::string& end : marks.ends) {
    const size_t at = end.empty() ? kNowhere : tail.rfind(end);
    last = last == kNowhere || (at != kNowhere && at > last) ? at : last;
  }
  return last;
}

int64_t count_ends(std::string_view text, const ReasoningMarks& marks) {
  int64_t n = 0;
  for (const std::string& end : marks.ends) {
    for (size_t at = text.find(end); !end.empty() && at != kNowhere;
         at = text.find(end, at + end.size())) {
      ++n;
    }
  }
  return n;
}

/// Where a known block ends in the same way, the start that was given may be that of the message.
bool ends_alike(const ReasoningMarks& marks, const ReasoningMarks& known) {
  return std::any_of(marks.ends.begin(), marks.ends.end(), [&](const std::string& end) {
    return std::find(known.ends.begin(), known.ends.end(), end) != known.ends.end();
  });
}

ReasoningMarks learned_marks(const ReasoningLayout& layout, const ReasoningMarks& known) {
  if (has_no_word(layout.open) || has_no_word(layout.close)) {
    return known;
  }
  ReasoningMarks marks{trimmed_mark(layout.open), {trimmed_mark(layout.close)}};
  marks.ends.insert(marks.ends.end(), known.ends.begin(), known.ends.end());
  return marks;
}

std::string closing_of(std::string_view tail, const ReasoningLayout& layout) {
  if (!layout.close.empty()) {
    const bool has_break = tail.ends_with('\n') && layout.close.starts_with("\n\n");
    return has_break ? layout.close.substr(1) : layout.close;
  }
  return layout.marks.ends.front() + "\n\n";
}

}  // namespace

ReasoningLayout learn_layout(ReasoningMarks marks,
                             const LayoutSamples& samples,
                             std::string_view template_source) {
  ReasoningLayout layout;
  layout.marks = std::move(marks);
  drop_calls(layout.marks.ends);
  const auto& [prompt, prompt_off, reasoned, plain, reasoning, reply] = samples;
  const size_t at = reasoned.find(reasoning);
  if (!reasoning.empty() && at != kNowhere) {
    layout.open = part_between(reasoned, prompt, reasoning);
    layout.close = part_between(reasoned, reasoned.substr(0, at + reasoning.size()), reply);
  }
  if (!prompt_off.empty()) {
    layout.direct = part_between(plain, prompt_off, reply);
  }
  const ReasoningMarks known = find_marks(template_source);
  if (layout.marks.start.empty() || layout.marks.ends.empty()) {
    layout.marks = learned_marks(layout, known);
  } else if (ends_alike(layout.marks, known)) {
    layout.marks.start = known.start;
  }
  if (layout.has_marks() && ends_in_reasoning(prompt, layout.marks)) {
    layout.open.insert(0, prompt.substr(prompt.rfind(layout.marks.start)));
  }
  layout.n_usual_end = count_ends(prompt, layout.marks);
  return layout;
}

bool ends_in_reasoning(std::string_view tail, const ReasoningMarks& marks) {
  const size_t start = marks.start.empty() ? kNowhere : tail.rfind(marks.start);
  if (start == kNowhere) {
    return false;
  }
  const size_t end = last_end(tail, marks);
  return end == kNowhere || end < start;
}

std::string settle_reasoning(std::string_view tail,
                             const ReasoningLayout& layout,
                             ReasoningMode mode) {
  if (mode == ReasoningMode::kOn || !layout.has_marks()) {
    return "";
  }
  if (ends_in_reasoning(tail, layout.marks)) {
    return closing_of(tail, layout);
  }
  const bool is_closed = tail.find(layout.marks.start) != kNowhere ||
                         count_ends(tail, layout.marks) > layout.n_usual_end;
  if (mode == ReasoningMode::kOff || is_closed) {
    return "";
  }
  if (!has_no_word(layout.direct)) {
    return layout.direct;
  }
  const bool has_block = !layout.open.empty() && !layout.close.empty();
  return has_block ? layout.open + layout.close
                   : layout.marks.start + "\n\n" + layout.marks.ends.front() + "\n\n";
}

}  // namespace mascing
