// Requests to a host about the internals of a model and their results: prompts, router logits, the
// residual stream.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "mascing/steering.h"

namespace mascing {

/// Half-open range of token positions.
struct TokenSpan {
  int64_t begin = 0;
  int64_t end = 0;
  [[nodiscard]] int64_t size() const { return end - begin; }
};

/// A rendered conversation, up to and including the start of the model's reply.
struct Prompt {
  std::vector<int32_t> tokens = {};
  TokenSpan final_user = {};     ///< tokens with at least one byte of the final user message
  bool opens_reasoning = false;  ///< it ends within the model's reasoning
};

struct TraceRequest {
  std::vector<int32_t> tokens = {};
  TokenSpan span = {};     ///< tokens to record
  Steering steering = {};  ///< logits are recorded before the mask is added
};

/// Router logits of one conversation.
struct RouterTrace {
  int64_t n_token = 0;
  int64_t n_layer = 0;
  int64_t n_expert = 0;
  std::vector<uint16_t> logits = {};  ///< IEEE half precision, [T, L, E]

  [[nodiscard]] float logit(int64_t i_token, int64_t i_layer, int64_t i_expert) const;
};

struct ResidualRequest {
  std::vector<int32_t> tokens = {};  ///< prompt
  Steering steering = {};
};

/// The residual stream at the last token of a prompt.
struct Residual {
  int64_t n_block = 0;
  int64_t n_embd = 0;
  std::vector<float> values =
      {};  ///< [n_block, D] after each block, before a control vector is added
};

/// One token at one router, for Host::observe. The pointers are valid only during the call.
struct RouterView {
  int64_t i_request = 0;
  int64_t i_token = 0;  ///< position within the request
  int64_t i_layer = 0;
  const float* input = nullptr;    ///< [D] input of the router
  const float* logits = nullptr;   ///< [E] router logits, including the router's bias
  const float* steered = nullptr;  ///< [E] logits used by the model, with the mask added
};
using RouterObserver = std::function<void(const RouterView&)>;

/// Next-token logits after one token.
struct OutputView {
  int64_t i_request = 0;
  int64_t i_token = 0;            ///< position within the request
  const float* logits = nullptr;  ///< [V]
};
using OutputObserver = std::function<void(const OutputView&)>;

struct HostCounters {
  int64_t n_prefill_token = 0;
  int64_t n_generated_token = 0;
  double seconds = 0.0;  ///< wall time spent in requests
};

/// Whether a call is to go on. `so_far` counts what the host has done, this call included.
using HostWatch = std::function<bool(const HostCounters& so_far)>;

}  // namespace mascing
