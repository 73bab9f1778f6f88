#include "host/llama/tape/recurrence.h"

namespace mascing {

Recurrence::Recurrence(const TapeTensor& node,
                       const float* d_node,
                       int64_t n_output,
                       const Floats& memory,
                       RecurrenceSizes sizes)
    : sizes_(sizes),
      memory_(memory.data()),
      d_kept_(d_node + n_output),
      n_kept_(node.shape.op_params[0]),
      states_(sizes.n_token + 1, StateMatrix(sizes.n_row, sizes.n_column)),
      d_state_(sizes.n_row, sizes.n_column) {}

void Recurrence::run(std::vector<float>& d_memory) {
  const int64_t n_cell = sizes_.n_row * sizes_.n_column;
  for (int64_t i = 0; i < sizes_.n_sequence * sizes_.n_head; ++i) {
    const int64_t sequence = i / sizes_.n_head;
    const int64_t head = i % sizes_.n_head;
    const int64_t first = (row_of(sequence) * sizes_.n_head + head) * n_cell;
    states_[0] = Eigen::Map<const StateMatrix>(memory_ + first, sizes_.n_row, sizes_.n_column);
    for (int64_t t = 0; t < sizes_.n_token; ++t) {
      advance(place_of(sequence, t, head), states_[t], states_[t + 1]);
    }
    d_state_.setZero();
    for (int64_t t = sizes_.n_token - 1; t >= 0; --t) {
      add_kept(sequence, t, head);
      go_back(place_of(sequence, t, head), states_[t], states_[t + 1], d_state_);
    }
    Eigen::Map<StateMatrix>(d_memory.data() + first, sizes_.n_row, sizes_.n_column) += d_state_;
  }
}

RecurrencePlace Recurrence::place_of(int64_t sequence, int64_t t, int64_t head) const {
  return {sequence, t, head, (sequence * sizes_.n_token + t) * sizes_.n_head + head};
}

void Recurrence::add_kept(int64_t sequence, int64_t t, int64_t head) {
  const int64_t n_after = sizes_.n_token - 1 - t;
  if (n_after < n_kept_) {
    const int64_t i_state = (n_after * sizes_.n_sequence + sequence) * sizes_.n_head + head;
    d_state_ += Eigen::Map<const StateMatrix>(
        d_kept_ + i_state * sizes_.n_row * sizes_.n_column, sizes_.n_row, sizes_.n_column);
  }
}

}  // namespace mascing
