// The part of results.json about exported forms; see results_schema.h.
#pragma once

#include "mascing/export_result.h"

namespace mascing {

template <typename Io>
void describe(Io& io, ExportResult& form) {
  io.field("file", form.file);
  io.field("form", form.form);
  io.field("alpha", form.alpha);
  io.field("n_token", form.n_token);
  io.field("n_reply", form.n_reply);
  io.field("n_reply_changed", form.n_reply_changed);
  io.field("n_decision_changed", form.n_decision_changed);
  io.field("kl", form.divergence);
  io.field("kl_unsteered", form.divergence_unsteered);
  io.field("blocks", form.blocks);
  io.field("same_experts", form.same_experts);
  io.field("overlap", form.overlap);
}

}  // namespace mascing
