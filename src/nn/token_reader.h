// How the passes over a batch read its tokens: one after the other in packed order, each prefetched
// while the one before it is processed. Tokens of one time step lie far apart, where the hardware
// prefetcher does not help.
#pragma once

#include <cstdint>
#include <functional>

#include "nn/ragged.h"

namespace mascing::nn {

/// Writes the logits [L, E] of one token to z. Called from several threads at once.
template <typename Scalar>
using LoadToken = std::function<void(int64_t i_sequence, int64_t i_token, Scalar* z)>;

/// Where the numbers of one token lie before they are loaded, so that they can be asked for early;
/// null if unknown.
using LocateToken = std::function<const void*(int64_t i_sequence, int64_t i_token)>;

/// How the tokens of a batch are read.
template <typename Scalar>
struct TokenReader {
  LoadToken<Scalar> load;
  LocateToken locate;       ///< may be empty
  int64_t layer_bytes = 0;  ///< at the place that `locate` gives
  /// Called when a sequence will not be read for a while; may be empty.
  std::function<void(int64_t i_sequence)> release;

  void release_all(SequenceRange sequences) const {
    for (int64_t i = sequences.begin; release && i < sequences.end; ++i) {
      release(i);
    }
  }
};

/// Asks the processor for one layer of a token that will be loaded soon. `token` may be null.
inline void prefetch_layer(const void* token, int64_t i_layer, int64_t layer_bytes) {
  constexpr int64_t kLine = 64;
  if (token != nullptr) {
    const char* begin = static_cast<const char*>(token) + i_layer * layer_bytes;
    for (int64_t at = 0; at < layer_bytes; at += kLine) {
      __builtin_prefetch(begin + at);
    }
  }
}

/// Walks over the rows of a layout: loads each and asks for the next one meanwhile.
template <typename Scalar>
class TokenWalk {
 public:
  TokenWalk(const RaggedLayout& layout, const TokenReader<Scalar>& reader)
      : layout_(layout), reader_(reader) {}

  /// Loads row i to z [L, E].
  void load(int64_t i, Scalar* z) {
    reader_.load(layout_.sequence_of_row[i], layout_.token_of_row[i], z);
    next_ = nullptr;
    if (reader_.locate && i + 1 < layout_.n_row) {
      next_ = reader_.locate(layout_.sequence_of_row[i + 1], layout_.token_of_row[i + 1]);
    }
  }
  /// To be called while a layer of the row is worked on.
  void prefetch(int64_t i_layer) const { prefetch_layer(next_, i_layer, reader_.layer_bytes); }

 private:
  const RaggedLayout& layout_;
  const TokenReader<Scalar>& reader_;
  const void* next_ = nullptr;
};

}  // namespace mascing::nn
