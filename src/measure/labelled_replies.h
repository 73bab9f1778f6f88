// Replies to be judged, with what people said of them where a file has that.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "mascing/judge.h"

namespace mascing {

struct LabelledReply {
  std::string id;  ///< the file's, or its line
  Exchange exchange;
  std::optional<Verdict> label = {};  ///< a person's
  bool has_number = false;            ///< a number under "label", which is none of a person
};

/// Reads JSON lines with "reply", "completion" or "response" beside "messages" or "prompt", or CSV
/// with such columns. A label stands under "verdict", "final_label" or "label": refused, answered,
/// partial, other, empty, unfinished, or XSTest's 1_full_compliance, 2_full_refusal,
/// 3_partial_refusal; a number under "label" is that of a conversation and passed over. Throws
/// Error{kBadInput} with file and line, Error{kInsufficient} if there is no reply.
[[nodiscard]] std::vector<LabelledReply> read_labelled_replies(const std::string& path);

}  // namespace mascing
