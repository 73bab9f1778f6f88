// The replies to a set of the test split, put on record.
#pragma once

#include <vector>

#include "mascing/transcript.h"
#include "measure/treatment.h"

namespace mascing {

/// One side as it was asked and answered.
struct AskedSide {
  std::vector<Conversation> rows;
  JudgedReplies asked;
};

/// In the order of the base's rows. `steered` may be empty; otherwise the sizes must match.
[[nodiscard]] std::vector<Transcript> transcripts_of(const ScenarioSet& set,
                                                     const AskedSide& base,
                                                     const AskedSide& steered);

}  // namespace mascing
