// Stage "collect": plays user scripts against a model, which writes the assistant's turns, until a
// reply shows the behaviour in question or the script ends.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "mascing/conversation.h"
#include "mascing/host.h"
#include "mascing/judge.h"

namespace mascing {

struct RolloutOptions {
  Steering steering;  ///< of the model that plays
  Sampling sampling;
  Verdict behaviour = Verdict::kAnswered;  ///< a reply with this verdict gives label 1
  bool judge_every_turn = true;            ///< otherwise only the script's last one
  bool keep_replies =
      true;                ///< assistant turns of the script stand; otherwise the model writes all
  int64_t n_attempt = 1;   ///< a script that ended without the behaviour is rolled out again
  int64_t n_history = 0;   ///< earlier user turns that the model sees; 0 = all
  int64_t n_together = 1;  ///< replies that are judged in one call, where as many are at hand
};

/// A reply, with what the model saw before it.
struct RolloutReply {
  std::vector<Message> messages;  ///< end with the user's
  std::string reply;              ///< as the model wrote it
  std::string id = {};            ///< of the script
};
/// The verdict on a reply, or the reason why there is none, which fails its conversation.
struct RolloutVerdict {
  Verdict verdict = Verdict::kOther;
  std::string error = {};
  [[nodiscard]] bool ok() const { return error.empty(); }
};
/// One verdict for each reply, in their order.
using JudgeReplies = std::function<std::vector<RolloutVerdict>(const std::vector<RolloutReply>&)>;

/// A script that was rolled out, or the reason why it could not be.
struct Rollout {
  int64_t i_script = 0;
  /// What the model saw before its last reply, with that reply, label, turn and attempt; everything
  /// else as in the script.
  Conversation row;
  bool hit_limit = false;  ///< the last reply ran into the token limit
  std::string error;
  bool is_unjudged = false;  ///< the error is a judge's: another time it may say more
  [[nodiscard]] bool ok() const { return error.empty(); }
};
using OnRollout = std::function<void(Rollout)>;

/// True for several user messages and none of the assistant's.
[[nodiscard]] bool is_script(const Conversation& conversation);

/// Rolls out all scripts at once, with continuous batching; what of a conversation the model has
/// computed is not computed again for its next turn. A conversation ends at the first reply with
/// the behaviour (label 1), or after its last user message (label 0); further attempts follow where
/// it did not show. Random streams depend on a script's id, not on its place. `on_rollout` gets
/// each script once, as soon as it is done. What `judge` or `on_rollout` throw ends the work.
void run_rollouts(Host& host,
                  const std::vector<Conversation>& scripts,
                  const JudgeReplies& judge,
                  const RolloutOptions& options,
                  const OnRollout& on_rollout);

}  // namespace mascing
