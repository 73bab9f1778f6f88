// The verdict of results.json, for results_schema.h.
#pragma once

#include "mascing/mask_verdict.h"

namespace mascing {

template <typename Io>
void describe(Io& io, VerdictReason& reason) {
  io.field("about", reason.about);
  io.field("word", reason.word);
  io.field("text", reason.text);
}

template <typename Io>
void describe(Io& io, VerdictLimits& limits) {
  io.field("least_rate", limits.least_rate);
  io.field("care_loss", limits.care_loss);
  io.field("max_loss", limits.max_loss);
  io.field("care_perplexity_rise", limits.care_perplexity_rise);
  io.field("max_perplexity_rise", limits.max_perplexity_rise);
  io.field("care_divergence", limits.care_divergence);
  io.field("max_divergence", limits.max_divergence);
  io.field("max_unseen_drop", limits.max_unseen_drop);
}

template <typename Io>
void describe(Io& io, MaskVerdict& verdict) {
  io.field("word", verdict.word);
  io.field("reasons", verdict.reasons);
  io.field("limits", verdict.limits);
}

}  // namespace mascing
