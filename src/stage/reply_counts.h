// Counts replies cut off at the token limit, and refusals that turn into an answer after all.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "judge/refusal_judge.h"
#include "mascing/metric_result.h"
#include "stage/ask.h"
#include "stage/evaluate.h"

namespace mascing {

/// Knows the words with which an answer begins after a refusal ("Here is", "Sure", "Step 1"), and a
/// set's own answer prefixes. A list of words errs both ways: a share that rises under a mask is a
/// reason to read replies, not a verdict.
class TurnDetector {
 public:
  explicit TurnDetector(const std::vector<std::string>& answer_prefixes);

  /// True if a sentence after the first starts like an answer. For replies that start as
  /// refusals.
  [[nodiscard]] bool turns(std::string_view reply) const;

 private:
  RefusalJudge openings_;  ///< used for its matching of prefixes
};

/// Over the replies that exist.
[[nodiscard]] ReplyCounts count_replies(const std::vector<AskedReply>& replies,
                                        const std::vector<JudgedReply>& judged,
                                        const TurnDetector& detector);

}  // namespace mascing
