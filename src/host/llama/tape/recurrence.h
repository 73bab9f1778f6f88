// A recurrent operation in reverse: states are computed again, token by token, then their gradient
// is carried from the last token to the first.
#pragma once

#include <cstdint>
#include <vector>

#include "host/llama/tape/tape.h"

#include <Eigen/Core>

namespace mascing {

using StateMatrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Values = Eigen::Map<const Eigen::VectorXf>;
using Gradient = Eigen::Map<Eigen::VectorXf>;

struct RecurrenceSizes {
  int64_t n_row = 0;     ///< of one head's state
  int64_t n_column = 0;  ///< likewise
  int64_t n_head = 0;
  int64_t n_token = 0;  ///< of each sequence
  int64_t n_sequence = 0;
};

/// One head at one token of a sequence.
struct RecurrencePlace {
  int64_t sequence = 0;
  int64_t t = 0;
  int64_t head = 0;
  int64_t at = 0;  ///< of all heads of all tokens of all sequences
};

class Recurrence {
 public:
  /// A node's values are its outputs, [n_output], then the states of all sequences and heads behind
  /// each of the last tokens, the last one's first; the operation's first parameter says how many.
  /// `memory` [n][n_head][n_row][n_column]: what the node reads as the states before.
  Recurrence(const TapeTensor& node,
             const float* d_node,
             int64_t n_output,
             const Floats& memory,
             RecurrenceSizes sizes);
  Recurrence(const Recurrence&) = delete;
  Recurrence& operator=(const Recurrence&) = delete;
  virtual ~Recurrence() = default;

  /// `d_memory`: to which the gradient by `memory` is added.
  void run(std::vector<float>& d_memory);

 protected:
  /// The sequence's number in `memory`.
  [[nodiscard]] virtual int64_t row_of(int64_t sequence) const = 0;
  virtual void advance(const RecurrencePlace& place,
                       const StateMatrix& before,
                       StateMatrix& after) = 0;
  /// `d_state` arrives as the gradient by `after` of what comes later, and leaves as that by
  /// `before`.
  virtual void go_back(const RecurrencePlace& place,
                       const StateMatrix& before,
                       const StateMatrix& after,
                       StateMatrix& d_state) = 0;

 private:
  [[nodiscard]] RecurrencePlace place_of(int64_t sequence, int64_t t, int64_t head) const;
  void add_kept(int64_t sequence, int64_t t, int64_t head);

  RecurrenceSizes sizes_;
  const float* memory_;
  const float* d_kept_;  ///< of the states that the node leaves
  int64_t n_kept_;
  std::vector<StateMatrix> states_;  ///< one head's, [0] before the first token
  StateMatrix d_state_;
};

}  // namespace mascing
