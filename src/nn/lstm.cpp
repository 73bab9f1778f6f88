// The element-wise work goes row by row: the 4H gates of a row stay in the first-level cache.
#include "nn/lstm.h"

namespace mascing::nn {
namespace {

/// One token: gates [4H] hold pre-activations and become activations; cell_before may be null
/// (zero).
template <typename Scalar>
void cell_forward(Scalar* gates,
                  const Scalar* cell_before,
                  Scalar* cell,
                  Scalar* tanh_cell,
                  Scalar* hidden,
                  int64_t n) {
  ArrayMap<Scalar> input(gates, n);
  ArrayMap<Scalar> forget(gates + n, n);
  ArrayMap<Scalar> update(gates + 2 * n, n);
  ArrayMap<Scalar> output(gates + 3 * n, n);
  ArrayMap<Scalar> c(cell, n);
  ArrayMap<Scalar> tanh_c(tanh_cell, n);
  ArrayMap<Scalar> input_forget(gates, 2 * n);
  input_forget = input_forget.logistic();
  update = update.tanh();
  output = output.logistic();
  c = input * update;
  if (cell_before != nullptr) {
    c += forget * ConstArrayMap<Scalar>(cell_before, n);
  }
  tanh_c = c.tanh();
  ArrayMap<Scalar>(hidden, n) = output * tanh_c;
}

/// One token: gates [4H] hold activations and become the gradients of the pre-activations; d_cell
/// holds d c_t (without this step's share of d_hidden) and becomes d c_{t-1}.
template <typename Scalar>
void cell_backward(Scalar* gates,
                   const Scalar* cell_before,
                   const Scalar* tanh_cell,
                   const Scalar* d_hidden,
                   Scalar* d_cell,
                   int64_t n) {
  ArrayMap<Scalar> input(gates, n);
  ArrayMap<Scalar> forget(gates + n, n);
  ArrayMap<Scalar> update(gates + 2 * n, n);
  ArrayMap<Scalar> output(gates + 3 * n, n);
  const ConstArrayMap<Scalar> tanh_c(tanh_cell, n);
  const ConstArrayMap<Scalar> d_h(d_hidden, n);
  ArrayMap<Scalar> d_c(d_cell, n);
  d_c += d_h * output * (Scalar(1) - tanh_c.square());
  output = d_h * tanh_c * output * (Scalar(1) - output);
  for (int64_t j = 0; j < n; ++j) {  // i and g need each other's old value
    const Scalar i = input[j];
    const Scalar g = update[j];
    input[j] = d_c[j] * g * i * (Scalar(1) - i);
    update[j] = d_c[j] * i * (Scalar(1) - g * g);
  }
  if (cell_before == nullptr) {
    forget.setZero();
    return;
  }
  for (int64_t j = 0; j < n; ++j) {  // d_c moves on with the old f
    const Scalar f = forget[j];
    forget[j] = d_c[j] * cell_before[j] * f * (Scalar(1) - f);
    d_c[j] *= f;
  }
}

}  // namespace

template <typename Scalar>
MatrixMap<Scalar> Lstm<Scalar>::reserve(const RaggedLayout& layout) {
  gates_.reserve(layout.n_row, 4 * n_hidden_);
  return gates_.view();
}

template <typename Scalar>
void Lstm<Scalar>::forward(const RaggedLayout& layout,
                           const PackedMatrix<Scalar>& recurrent,
                           MatrixMap<Scalar> last) {
  const int64_t n = n_hidden_;
  for (Workspace<Scalar>* workspace : {&cell_, &tanh_cell_, &hidden_}) {
    workspace->reserve(layout.n_row, n);
  }
  Scalar* gates = gates_.view().data();
  Scalar* cell = cell_.view().data();
  Scalar* tanh_cell = tanh_cell_.view().data();
  Scalar* hidden = hidden_.view().data();
  for (int64_t step = 0; step < layout.n_step; ++step) {
    const int64_t begin = layout.first_row_of_step[step];
    const int64_t n_active = layout.n_active(step);
    const int64_t before = step > 0 ? layout.first_row_of_step[step - 1] : 0;
    if (step > 0) {
      recurrent.multiply({hidden + before * n, n, n_active},
                         {gates + begin * 4 * n, 4 * n, n_active},
                         Onto::kResult);
    }
    for (int64_t slot = 0; slot < n_active; ++slot) {
      const int64_t at = (begin + slot) * n;
      const Scalar* cell_before = step > 0 ? cell + (before + slot) * n : nullptr;
      cell_forward<Scalar>(gates + 4 * at, cell_before, cell + at, tanh_cell + at, hidden + at, n);
    }
  }
  for (int64_t slot = 0; slot < layout.n_sequence; ++slot) {
    last.row(slot) = hidden_.view().row(layout.last_row_of_slot[slot]);
  }
}

template <typename Scalar>
void Lstm<Scalar>::backward(const RaggedLayout& layout,
                            const PackedMatrix<Scalar>& recurrent_backward,
                            const ConstMatrixMap<Scalar>& d_last) {
  const int64_t n = n_hidden_;
  Scalar* gates = gates_.view().data();
  const Scalar* cell = cell_.view().data();
  const Scalar* tanh_cell = tanh_cell_.view().data();
  d_hidden_.reserve(layout.n_sequence, n);
  d_cell_.reserve(layout.n_sequence, n);
  // A slot is first touched at its last token, so what is set here is its gradient at that token.
  d_hidden_.view() = d_last;
  d_cell_.view().setZero();
  Scalar* d_hidden = d_hidden_.view().data();
  Scalar* d_cell = d_cell_.view().data();
  for (int64_t step = layout.n_step - 1; step >= 0; --step) {
    const int64_t begin = layout.first_row_of_step[step];
    const int64_t n_active = layout.n_active(step);
    const int64_t before = step > 0 ? layout.first_row_of_step[step - 1] : 0;
    for (int64_t slot = 0; slot < n_active; ++slot) {
      const int64_t at = (begin + slot) * n;
      const Scalar* cell_before = step > 0 ? cell + (before + slot) * n : nullptr;
      cell_backward<Scalar>(
          gates + 4 * at, cell_before, tanh_cell + at, d_hidden + slot * n, d_cell + slot * n, n);
    }
    if (step > 0) {
      recurrent_backward.multiply(
          {gates + begin * 4 * n, 4 * n, n_active}, {d_hidden, n, n_active}, Onto::kNothing);
    }
  }
}

template <typename Scalar>
MatrixMap<Scalar> Lstm<Scalar>::previous_states(const RaggedLayout& layout) {
  previous_.reserve(layout.n_row - layout.n_sequence, n_hidden_);
  MatrixMap<Scalar> previous = previous_.view();
  const MatrixMap<Scalar> hidden = hidden_.view();
  for (int64_t step = 1; step < layout.n_step; ++step) {
    previous.middleRows(layout.first_row_of_step[step] - layout.n_sequence, layout.n_active(step)) =
        hidden.middleRows(layout.first_row_of_step[step - 1], layout.n_active(step));
  }
  return previous;
}

template class Lstm<float>;
template class Lstm<double>;

}  // namespace mascing::nn
