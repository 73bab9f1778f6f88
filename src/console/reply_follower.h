// Turns the tokens of a reply into changes of what a page shows: its reasoning and its visible
// part.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "mascing/reply_parts.h"

namespace mascing::console {

/// What happened to one part of a reply.
struct PartChange {
  bool is_reasoning = false;
  bool is_whole = false;  ///< `text` replaces the part; otherwise it is added at its end
  std::string text;
};

class ReplyFollower {
 public:
  explicit ReplyFollower(ReplyFormat format) : format_(std::move(format)) {}

  /// Adds bytes of the reply. A character that is not complete yet waits for the next call.
  [[nodiscard]] std::vector<PartChange> add(std::string_view bytes);

 private:
  ReplyFormat format_;
  std::string text_;
  ReplyParts shown_;
};

}  // namespace mascing::console
