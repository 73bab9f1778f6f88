// Layouts are made once per batch and thread; their cost is that of a sort of the lengths.
#include "nn/ragged.h"

#include <algorithm>
#include <numeric>

namespace mascing::nn {

RaggedLayout pack_sequences(const int64_t* lengths, int64_t n_sequence, int64_t first_sequence) {
  RaggedLayout layout;
  layout.n_sequence = n_sequence;
  std::vector<int64_t> order(n_sequence);
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(
      order.begin(), order.end(), [&](int64_t a, int64_t b) { return lengths[a] > lengths[b]; });
  layout.n_step = n_sequence > 0 ? lengths[order[0]] : 0;
  layout.n_row = std::accumulate(lengths, lengths + n_sequence, int64_t{0});
  layout.last_row_of_slot.resize(n_sequence);
  layout.sequence_of_row.reserve(layout.n_row);
  layout.token_of_row.reserve(layout.n_row);
  layout.first_row_of_step.push_back(0);
  for (int64_t step = 0; step < layout.n_step; ++step) {
    for (int64_t slot = 0; slot < n_sequence && lengths[order[slot]] > step; ++slot) {
      layout.last_row_of_slot[slot] = std::ssize(layout.sequence_of_row);
      layout.sequence_of_row.push_back(first_sequence + order[slot]);
      layout.token_of_row.push_back(step);
    }
    layout.first_row_of_step.push_back(std::ssize(layout.sequence_of_row));
  }
  for (int64_t& sequence : order) {
    sequence += first_sequence;
  }
  layout.sequence_of_slot = std::move(order);
  return layout;
}

std::vector<SequenceRange> split_by_tokens(const std::vector<int64_t>& lengths, int64_t n_part) {
  const int64_t n_sequence = std::ssize(lengths);
  const int64_t n_token = std::accumulate(lengths.begin(), lengths.end(), int64_t{0});
  std::vector<SequenceRange> parts;
  int64_t i_sequence = 0;
  int64_t n_taken = 0;
  for (int64_t i_part = 0; i_part < n_part; ++i_part) {
    const int64_t begin = i_sequence;
    const bool is_last = i_part + 1 == n_part;
    // A sequence goes to the part in which its first half lies.
    while (i_sequence < n_sequence &&
           (is_last || (n_taken + lengths[i_sequence] / 2) * n_part < n_token * (i_part + 1))) {
      n_taken += lengths[i_sequence];
      ++i_sequence;
    }
    parts.push_back({begin, i_sequence});
  }
  return parts;
}

std::vector<SequenceRange> split_by_limit(const std::vector<int64_t>& lengths,
                                          SequenceRange range,
                                          int64_t max_token) {
  std::vector<SequenceRange> parts;
  int64_t begin = range.begin;
  int64_t n_token = 0;
  for (int64_t i = range.begin; i < range.end; ++i) {
    if (i > begin && n_token + lengths[i] > max_token) {
      parts.push_back({begin, i});
      begin = i;
      n_token = 0;
    }
    n_token += lengths[i];
  }
  if (begin < range.end) {
    parts.push_back({begin, range.end});
  }
  return parts;
}

}  // namespace mascing::nn
