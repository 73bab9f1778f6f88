// The part of results.json about judges; see results_schema.h.
#pragma once

#include "mascing/judges_result.h"

namespace mascing {

template <typename Io>
void describe(Io& io, JudgeResult& judge) {
  io.field("name", judge.name);
  io.field("settings", judge.settings);
  io.field("asked", judge.n_asked);
  io.field("failed", judge.n_failed);
  io.later("prompt", judge.prompt);
}

template <typename Io>
void describe(Io& io, AgreementResult& agreement) {
  io.field("first", agreement.first);
  io.field("second", agreement.second);
  io.field("n", agreement.n);
  io.field("agreed", agreement.n_agreed);
  io.field("kappa", agreement.kappa);
}

template <typename Io>
void describe(Io& io, Disagreement& disagreement) {
  io.field("metric", disagreement.metric);
  io.field("id", disagreement.id);
  io.field("side", disagreement.side);
  io.field("reply", disagreement.reply);
  io.field("verdicts", disagreement.verdicts);
}

template <typename Io>
void describe(Io& io, JudgesResult& judges) {
  io.field("members", judges.members);
  io.field("agreement", judges.agreement);
  io.field("n_disagreement", judges.n_disagreement);
  io.field("disagreements", judges.disagreements);
}

}  // namespace mascing
