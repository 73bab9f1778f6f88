// Divides the whole reply anew at each token: a mark that comes in pieces looks like text until it
// is complete, and what was shown of it is taken back.
#include "console/reply_follower.h"

#include "base/text.h"

namespace mascing::console {
namespace {

/// The length of `text` without a character at its end whose bytes are not all there.
size_t complete_size(std::string_view text) {
  constexpr size_t kLongest = 4;
  for (size_t n = 1; n <= kLongest && n <= text.size(); ++n) {
    const auto byte = static_cast<unsigned char>(text[text.size() - n]);
    if ((byte & 0xC0U) == 0x80U) {
      continue;
    }
    const size_t n_needed = byte >= 0xF0U ? 4 : byte >= 0xE0U ? 3 : byte >= 0xC0U ? 2 : 1;
    return n < n_needed ? text.size() - n : text.size();
  }
  return text.size();
}

void compare(bool is_reasoning,
             const std::string& before,
             const std::string& after,
             std::vector<PartChange>& changes) {
  if (after == before) {
    return;
  }
  const bool is_longer = after.starts_with(before);
  changes.push_back({is_reasoning, !is_longer, is_longer ? after.substr(before.size()) : after});
}

}  // namespace

std::vector<PartChange> ReplyFollower::add(std::string_view bytes) {
  text_ += bytes;
  ReplyParts parts = split_reply(std::string_view(text_).substr(0, complete_size(text_)), format_);
  std::vector<PartChange> changes;
  compare(true, shown_.reasoning, parts.reasoning, changes);
  compare(false, shown_.visible, parts.visible, changes);
  shown_ = std::move(parts);
  return changes;
}

}  // namespace mascing::console
