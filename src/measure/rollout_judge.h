// How a run's judges judge the replies of rollouts.
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
  std::string set = {};  ///< metric of the set that the scripts belong to; empty: all are asked
};

/// The judge's verdicts on replies of rollouts; what the members of a jury say is counted in
/// `agreement`, if it is given. All that is referred to must outlive what is returned.
[[nodiscard]] JudgeReplies judged_by(Judge& judge,
                                     const RolloutQuestion& question,
                                     AgreementCount* agreement = nullptr);

/// Whether replies before a script's last one can be judged: refusal prefixes alone take small talk
/// for an answer.
[[nodiscard]] bool sees_small_talk(const JudgeOptions& options, const RolloutQuestion& question);

/// Replies that are judged in one call: several where asking costs much.
[[nodiscard]] int64_t judged_together(const JudgeOptions& options);

}  // namespace mascing
