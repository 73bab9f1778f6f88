// Texts from which router inputs are learnt: conversations with the model's own replies, with and
// without the mask; without conversations, what the model writes by itself.
#pragma once

#include <memory>
#include <vector>

#include "export/constant_direction.h"
#include "mascing/conversation.h"

namespace mascing {

struct CalibrationOptions {
  int64_t n_max_token = 24000;  ///< in all, prompts and replies, each read twice
  int64_t n_reply_token = 48;
  uint64_t seed = 0;
};

/// Each conversation gives two samples of one group: read and answered without the mask, and under
/// it. If there are more than n_max_token allows, they are taken evenly from the whole list. An
/// empty list is replaced by some everyday questions and by texts that the model begins on its own;
/// a mask made for a narrow purpose fits worse on those. Conversations that cannot be rendered are
/// left out.
[[nodiscard]] std::vector<FitSample> calibration_samples(
    Host& host,
    const std::vector<Conversation>& conversations,
    const Steering& steering,
    const CalibrationOptions& options);

}  // namespace mascing
