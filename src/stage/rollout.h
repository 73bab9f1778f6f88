// Stage "collect": rolls out user scripts on a model, which writes the assistant turns, until a
// reply shows the behaviour or the script ends.
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
  Steering steering;  ///< steering of the model
  Sampling sampling;
  Verdict behaviour = Verdict::kAnswered;  ///< a reply with this verdict gives label 1
  bool judge_every_turn = true;            ///< otherwise only the script's last one
  bool keep_replies = true;  ///< keep assistant turns of the script; otherwise the model writes all
  int64_t n_attempt = 1;     ///< maximum attempts for scripts that do not show the behaviour
  int64_t n_history = 0;     ///< earlier user turns shown to the model; 0 = all
  int64_t n_together = 1;    ///< number of replies judged per call, if available
};

/// A reply with its context.
struct RolloutReply {
  std::vector<Message> messages;  ///< end with the user's
  std::string reply;              ///< its visible part
  std::string id = {};            ///< of the script
};
/// The verdict on a reply, or the reason why there is none. The latter fails the conversation.
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
  /// The context of the last reply, with that reply, label, turn and attempt; other fields as in
  /// the script.
  Conversation row;
  bool hit_limit = false;      ///< the last reply was cut off at the token limit
  bool is_unfinished = false;  ///< a reply ended within its reasoning, which failed the script
  std::string error;
  bool is_unjudged = false;  ///< the judge failed; a retry may succeed
  [[nodiscard]] bool ok() const { return error.empty(); }
};
using OnRollout = std::function<void(Rollout)>;

/// Rolls out all scripts with continuous batching and reuses the computed prefix of a conversation
/// for its next turn. A conversation ends at the first reply with the behaviour (label 1) or after
/// its last user message (label 0), followed by further attempts if the behaviour did not show.
/// Random streams depend on the id of a script, not its position. The history that the model is
/// shown holds visible parts only; turns that the limit cut off are counted in the row. A reply
/// that ends within its reasoning leaves nothing to go on with and fails the script. `on_rollout`
/// receives each script once, when it is done. Exceptions of `judge` or `on_rollout` end the call.
void run_rollouts(Host& host,
                  const std::vector<Conversation>& scripts,
                  const JudgeReplies& judge,
                  const RolloutOptions& options,
                  const OnRollout& on_rollout);

}  // namespace mascing
