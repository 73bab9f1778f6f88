// What a run states of its own protocol, and the playing of conversations against a steered model.
#pragma once

#include <vector>

#include "mascing/conversation.h"
#include "mascing/host.h"
#include "mascing/protocol_result.h"
#include "mascing/run_options.h"
#include "mascing/warning.h"
#include "measure/eval_context.h"
#include "measure/treatment.h"

namespace mascing {

[[nodiscard]] ProtocolResult protocol_of(const Scenario& scenario,
                                         const Dataset& data,
                                         const Host& host,
                                         const RunOptions& options);

/// "no_chat_template" if the model's file has none.
[[nodiscard]] std::vector<Warning> template_warnings(const ProtocolResult& protocol);

/// Conversations whose assistant's turns were written anew, in the order of the originals.
struct PlayedConversations {
  std::vector<Conversation> rows;
  int64_t n_turn = 0;  ///< turns that were asked for
  int64_t n_kept = 0;  ///< of these, left as recorded: there was no reply, or it was unfinished
  int64_t n_cut = 0;   ///< of these, cut off at the limit
};

/// Turn by turn: the model under the treatment answers each user message but the last, seeing its
/// own earlier turns. Replies go through the cache in the evaluator's chunks.
[[nodiscard]] PlayedConversations play_against(const EvalContext& context,
                                               const std::string& what,
                                               std::vector<Conversation> rows,
                                               const Treatment& treatment);

}  // namespace mascing
