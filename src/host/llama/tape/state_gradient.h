// The gradient of the states that a recurrent operation leaves behind its outputs.
#pragma once

#include <cstdint>

#include "host/llama/tape/tape.h"

#include <Eigen/Core>

namespace mascing {

using StateMatrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using StateBlock = Eigen::Map<StateMatrix>;
using ConstStateBlock = Eigen::Map<const StateMatrix>;
using Values = Eigen::Map<const Eigen::VectorXf>;
using Gradient = Eigen::Map<Eigen::VectorXf>;

/// A node's values are its outputs, then the states of all sequences and heads behind each of the
/// last tokens, the last one's first; the operation's first parameter says how many.
class StateGradient {
 public:
  /// `n_state`: values of the states of all sequences and heads.
  StateGradient(const TapeTensor& node, const float* d_node, int64_t n_output, int64_t n_state)
      : d_states_(d_node + n_output), n_kept_(node.shape.op_params[0]), n_state_(n_state) {}

  /// Adds that of one head's state, `first` values behind the start of all; `n_after` tokens
  /// follow.
  void add_to(StateMatrix& d_state, int64_t first, int64_t n_after) const {
    if (n_after < n_kept_) {
      d_state +=
          ConstStateBlock(d_states_ + n_after * n_state_ + first, d_state.rows(), d_state.cols());
    }
  }

 private:
  const float* d_states_;
  int64_t n_kept_;
  int64_t n_state_;
};

}  // namespace mascing
