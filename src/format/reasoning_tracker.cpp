// Marks may be cut by the ends of tokens, so the last bytes of what was read are kept.
#include "format/reasoning_tracker.h"

#include <algorithm>
#include <utility>

namespace mascing {
namespace {

constexpr std::string_view kChannelMark = "<|channel|>";
constexpr std::string_view kMessageMark = "<|message|>";
constexpr auto kNotFound = std::string::npos;

struct MarkPlace {
  size_t at = kNotFound;
  size_t size = 0;
};

MarkPlace first_mark(const std::string& text, const std::vector<std::string>& marks) {
  MarkPlace first;
  for (const std::string& mark : marks) {
    const size_t at = mark.empty() ? kNotFound : text.find(mark);
    if (at < first.at) {
      first = {at, mark.size()};
    }
  }
  return first;
}

}  // namespace

ReasoningTracker::ReasoningTracker(ReplyFormat format) : format_(std::move(format)) {
  is_reasoning_ = !format_.marks.start.empty() && format_.is_opened;
  n_longest_ = std::max(format_.marks.start.size(), kChannelMark.size());
  for (const std::string& end : format_.marks.ends) {
    n_longest_ = std::max(n_longest_, end.size());
  }
}

void ReasoningTracker::add(std::string_view piece) {
  if (format_.marks.start.empty()) {
    return;
  }
  rest_ += piece;
  if (format_.marks.start.starts_with(kChannelMark)) {
    read_channels();
  } else {
    read_blocks();
  }
}

void ReasoningTracker::keep_last(size_t n_byte) {
  rest_.erase(0, rest_.size() - std::min(rest_.size(), n_byte));
}

/// A channel's head is not visible, nor is any channel but the final one.
void ReasoningTracker::read_channels() {
  while (true) {
    const std::string_view mark = is_in_head_ ? kMessageMark : kChannelMark;
    const size_t at = rest_.find(mark);
    if (at == kNotFound) {
      break;
    }
    const size_t name = rest_.find_first_not_of(' ');  // some vocabularies put a blank before it
    is_reasoning_ = !is_in_head_ || rest_.compare(std::min(name, at), 5, "final") != 0;
    is_in_head_ = !is_in_head_;
    rest_.erase(0, at + mark.size());
  }
  if (!is_in_head_) {
    keep_last(kChannelMark.size() - 1);
  }
}

void ReasoningTracker::read_blocks() {
  while (true) {
    const MarkPlace next = is_reasoning_
                               ? first_mark(rest_, format_.marks.ends)
                               : first_mark(rest_, std::vector<std::string>{format_.marks.start});
    if (next.at == kNotFound) {
      break;
    }
    is_reasoning_ = !is_reasoning_;
    rest_.erase(0, next.at + next.size);
  }
  keep_last(n_longest_ - 1);
}

}  // namespace mascing
