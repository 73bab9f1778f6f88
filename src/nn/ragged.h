// How sequences of different lengths share matrices without padding: sorted by length, longest
// first, and packed time step by time step, so that the sequences still running at step t are a
// prefix of those running at step t - 1.
//
//   lengths 3, 1, 2  ->  slots: sequence 0, 2, 1      rows: t=0: 0 2 1 | t=1: 0 2 | t=2: 0
#pragma once

#include <cstdint>
#include <vector>

namespace mascing::nn {

struct RaggedLayout {
  int64_t n_sequence = 0;
  int64_t n_step = 0;                      ///< length of the longest sequence
  int64_t n_row = 0;                       ///< tokens of all sequences together
  std::vector<int64_t> sequence_of_slot;   ///< [n_sequence], longest first, ties in the given order
  std::vector<int64_t> last_row_of_slot;   ///< [n_sequence]
  std::vector<int64_t> first_row_of_step;  ///< [n_step + 1]
  std::vector<int64_t> sequence_of_row;    ///< [n_row]
  std::vector<int64_t> token_of_row;       ///< [n_row]

  /// Number of sequences longer than `step`.
  [[nodiscard]] int64_t n_active(int64_t step) const {
    return first_row_of_step[step + 1] - first_row_of_step[step];
  }
};

/// Layout of `n_sequence` sequences; every length is at least 1. Sequence numbers in the layout
/// start at `first_sequence`, the number of the one that `lengths[0]` belongs to.
[[nodiscard]] RaggedLayout pack_sequences(const int64_t* lengths,
                                          int64_t n_sequence,
                                          int64_t first_sequence = 0);

/// Half-open range of sequences.
struct SequenceRange {
  int64_t begin = 0;
  int64_t end = 0;
};

/// Cuts the sequences into `n_part` contiguous ranges (some may be empty) of about equal token
/// counts. Depends on the lengths and `n_part` only.
[[nodiscard]] std::vector<SequenceRange> split_by_tokens(const std::vector<int64_t>& lengths,
                                                         int64_t n_part);

/// Cuts `range` into contiguous ranges of at most `max_token` tokens, or of one sequence.
[[nodiscard]] std::vector<SequenceRange> split_by_limit(const std::vector<int64_t>& lengths,
                                                        SequenceRange range,
                                                        int64_t max_token);

}  // namespace mascing::nn
