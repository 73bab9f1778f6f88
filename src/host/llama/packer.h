// Packs sequences back to back into batches. One decode holds as many as fit; long ones are split
// into chunks.
#pragma once

#include <cstdint>
#include <functional>

#include "host/llama/engine.h"

namespace mascing {

class Packer {
 public:
  /// `n_sequence`: in the cache together, at most. `after_decode` reads what the last decode left,
  /// before the batch is emptied.
  Packer(Engine& engine,
         int64_t n_sequence,
         bool stop_after_routers,
         std::function<void()> after_decode);

  /// Makes room in the cache for `n_sequence` further sequences with `n_token` tokens in all;
  /// decodes and empties the cache first if they do not fit beside what is there. Returns the first
  /// sequence's number.
  int32_t begin(int64_t n_sequence, int64_t n_token);
  /// Adds a token to the running batch, after a decode if that is full. Returns its index.
  int32_t add(int32_t token,
              int64_t position,
              SequenceRange sequences,
              bool is_output,
              const TapColumn& column);
  /// Tokens that the running batch still takes.
  [[nodiscard]] int64_t room() const { return batch_.room(); }
  /// Decodes the running batch, if there is anything in it.
  void decode();
  /// Decodes and empties the cache.
  void flush();

 private:
  Engine& engine_;
  int64_t n_sequence_most_;
  bool stop_after_routers_;
  std::function<void()> after_decode_;
  TokenBatch batch_;
  int64_t n_sequence_ = 0;
  int64_t n_cell_ = 0;
};

}  // namespace mascing
