// Tokens of one decode, in an order that is known.
#pragma once

#include <cstdint>
#include <vector>

#include <llama.h>

#include "host/llama/router_tap.h"

namespace mascing {

/// libllama counts in 32 bits.
[[nodiscard]] constexpr int32_t to_int32(int64_t n) {
  return static_cast<int32_t>(n);
}

/// Neighbouring sequences of the cache that share a token.
struct SequenceRange {
  int32_t first = 0;
  int32_t n = 1;
};

/// Tokens of one decode, with what the tap does to each.
class TokenBatch {
 public:
  /// `n_share`: sequences that may share one token, at most.
  TokenBatch(int64_t capacity, int64_t n_share);
  ~TokenBatch();
  TokenBatch(const TokenBatch&) = delete;
  TokenBatch& operator=(const TokenBatch&) = delete;

  void clear();
  [[nodiscard]] int64_t size() const { return batch_.n_tokens; }
  [[nodiscard]] int64_t room() const { return capacity_ - batch_.n_tokens; }
  /// Returns the token's index in the batch. `is_output`: logits are wanted.
  int32_t add(int32_t token,
              int64_t position,
              SequenceRange sequences,
              bool is_output,
              const TapColumn& column);
  void flag_output(int32_t i_token) { batch_.logits[i_token] = 1; }

 private:
  friend class Engine;
  int64_t capacity_;
  llama_batch batch_;
  std::vector<TapColumn> columns_;
};

}  // namespace mascing
