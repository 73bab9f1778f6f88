// The part of results.json about how replies came about; see results_schema.h.
#pragma once

#include "mascing/protocol_result.h"

namespace mascing {

template <typename Io>
void describe(Io& io, ProtocolResult& protocol) {
  io.field("engine", protocol.engine);
  io.field("quantisation", protocol.quantisation);
  io.later("engine_options", protocol.engine_options);
  io.later("scenario_hash", protocol.scenario_hash);
  io.later("data_hash", protocol.data_hash);
  io.field("template_hash", protocol.template_hash);
  io.field("reasoning", protocol.reasoning);
  io.field("template_arguments", protocol.template_arguments);
  io.field("system_prompts", protocol.n_system_prompt);
  io.field("system_prompt", protocol.system_prompt);
  io.field("temperature", protocol.temperature);
  io.field("max_tokens", protocol.n_max_token);
  io.field("max_reasoning_tokens", protocol.n_max_reasoning_token);
  io.field("max_play_tokens", protocol.n_max_play_token);
  io.field("samples", protocol.n_sample);
  io.field("attacks", protocol.attacks);
}

}  // namespace mascing
