// How likely the wanted kind of reply is at the end of each user message, without and with a mask:
// where a conversation turns the model.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mascing/routing_result.h"
#include "mascing/transcript.h"
#include "measure/eval_context.h"
#include "run/transcripts.h"
#include "search/set_margins.h"

namespace mascing {

class TurnMargins {
 public:
  /// All arguments must outlive the object.
  TurnMargins(const EvalContext& context, const Steering& steering, const SetMargins& margins)
      : context_(context), steering_(steering), margins_(margins) {}

  /// Asks about the conversations of a set, those of `transcripts` from `first` on, whose routing
  /// is known. Both sides read what the steered side was asked. Where the model reasons, only the
  /// last message is asked about, behind the reasoning that it wrote without the mask.
  void add(const AskedSide& base,
           const AskedSide& steered,
           size_t first,
           std::vector<Transcript>& transcripts);
  /// All sets together.
  [[nodiscard]] TurnMarginsResult result() const;

 private:
  /// A user message of a conversation; item of the same index of an OutcomeSet.
  struct Turn {
    size_t i_transcript = 0;
    int64_t i_message = 0;
  };
  /// The messages of a set that are asked about; they are its items.
  struct SetTurns {
    bool reasons_first = false;  ///< the model does
    OutcomeSet set;
    std::vector<Turn> turns;
  };

  void add_turns(const AskedSide& base,
                 const AskedSide& steered,
                 size_t i_row,
                 size_t i_transcript,
                 SetTurns& asked);
  void ask(const SetTurns& asked, std::vector<Transcript>& transcripts);
  void leave_out(int64_t n_turn, const std::string& reason);

  const EvalContext& context_;
  const Steering& steering_;
  const SetMargins& margins_;
  TurnMarginsResult result_;
  std::vector<std::string> reasons_;  ///< each once
};

}  // namespace mascing
