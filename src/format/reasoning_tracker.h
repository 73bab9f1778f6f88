// Follows a reply as it is generated: whether its end so far is reasoning or visible.
#pragma once

#include <string>
#include <string_view>

#include "mascing/reply_parts.h"

namespace mascing {

/// Reads each byte once. Agrees with split_reply on where the reasoning ends, for a format whose
/// marks are known; without marks everything is visible.
class ReasoningTracker {
 public:
  explicit ReasoningTracker(ReplyFormat format = {});

  /// Adds the text of the next token, special tokens included.
  void add(std::string_view piece);
  [[nodiscard]] bool is_reasoning() const { return is_reasoning_; }

 private:
  void read_channels();
  void read_blocks();
  /// Leaves in `rest_` what may be the beginning of a mark.
  void keep_last(size_t n_byte);

  ReplyFormat format_;
  std::string rest_;  ///< not read yet
  bool is_reasoning_ = false;
  bool is_in_head_ = false;  ///< of a channel, before its message
  size_t n_longest_ = 0;     ///< bytes of the longest mark
};

}  // namespace mascing
