// Applies the judges of a run to the replies of rollouts.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mascing/judge.h"
#include "mascing/judge_options.h"
#include "stage/agreement.h"
#include "stage/rollout.h"

namespace mascing {

/// What replies of rollouts are judged for, and of which set they are.
struct RolloutQuestion {
  Verdict behaviour = Verdict::kAnswered;
  std::vector<std::string> answer_prefixes = {};
  std::string set = {};  ///< metric of the scripts' set; empty = all judges are asked
};

/// Returns a function that judges replies of rollouts. The verdicts of jury members are counted in
/// `agreement`, if given. All arguments passed by reference must outlive the function.
[[nodiscard]] JudgeReplies judged_by(Judge& judge,
                                     const RolloutQuestion& question,
                                     AgreementCount* agreement = nullptr);

/// Whether replies before the last one can be judged. Refusal prefixes alone mistake small talk for
/// an answer.
[[nodiscard]] bool sees_small_talk(const JudgeOptions& options, const RolloutQuestion& question);

/// Number of replies judged per call, more than one for costly judges.
[[nodiscard]] int64_t judged_together(const JudgeOptions& options);

}  // namespace mascing
