// The element-wise work goes row by row: the 4H gates of a row stay in the first-level cache.
#include "nn/lstm.h"

#include "nn/linear.h"

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
void Lstm<Scalar>::forward(const RaggedLayout& layout,
                           const LstmTensors<const Scalar>& weights,
                           const ConstMatrixMap<Scalar>& x,
                           MatrixMap<Scalar> last) {
  const int64_t n = n_hidden_;
  for (Workspace<Scalar>* workspace : {&cell_, &tanh_cell_, &hidden_}) {
    workspace->reserve(layout.n_row, n);
  }
  gates_.reserve(layout.n_row, 4 * n);
  MatrixMap<Scalar> gates = gates_.view();
  MatrixMap<Scalar> hidden = hidden_.view();
  const RowVector<Scalar> bias = ConstVectorMap<Scalar>(weights.bias_ih, 4 * n) +
                                 ConstVectorMap<Scalar>(weights.bias_hh, 4 * n);
  const ConstMatrixMap<Scalar> weight_ih(weights.weight_ih, 4 * n, n_input_);
  const ConstMatrixMap<Scalar> weight_hh(weights.weight_hh, 4 * n, n);
  linear_forward<Scalar>(x, weight_ih, ConstVectorMap<Scalar>(bias.data(), 4 * n), gates);
  for (int64_t step = 0; step < layout.n_step; ++step) {
    const int64_t begin = layout.first_row_of_step[step];
    const int64_t n_active = layout.n_active(step);
    const int64_t before = step > 0 ? layout.first_row_of_step[step - 1] : 0;
    if (step > 0) {
      gates.middleRows(begin, n_active).noalias() +=
          hidden.middleRows(before, n_active) * weight_hh.transpose();
    }
    for (int64_t slot = 0; slot < n_active; ++slot) {
      const int64_t at = (begin + slot) * n;
      const Scalar* cell_before = step > 0 ? cell_.view().data() + (before + slot) * n : nullptr;
      cell_forward<Scalar>(gates.data() + 4 * at,
                           cell_before,
                           cell_.view().data() + at,
                           tanh_cell_.view().data() + at,
                           hidden.data() + at,
                           n);
    }
  }
  for (int64_t slot = 0; slot < layout.n_sequence; ++slot) {
    last.row(slot) = hidden.row(layout.last_row_of_slot[slot]);
  }
}

template <typename Scalar>
void Lstm<Scalar>::backward(const RaggedLayout& layout,
                            const LstmTensors<const Scalar>& weights,
                            const ConstMatrixMap<Scalar>& d_last) {
  const int64_t n = n_hidden_;
  const ConstMatrixMap<Scalar> weight_hh(weights.weight_hh, 4 * n, n);
  MatrixMap<Scalar> gates = gates_.view();
  d_hidden_.reserve(layout.n_sequence, n);
  d_cell_.reserve(layout.n_sequence, n);
  MatrixMap<Scalar> d_hidden = d_hidden_.view();
  MatrixMap<Scalar> d_cell = d_cell_.view();
  // A slot is first touched at its last token, so what is set here is its gradient at that token.
  d_hidden = d_last;
  d_cell.setZero();
  for (int64_t step = layout.n_step - 1; step >= 0; --step) {
    const int64_t begin = layout.first_row_of_step[step];
    const int64_t n_active = layout.n_active(step);
    const int64_t before = step > 0 ? layout.first_row_of_step[step - 1] : 0;
    for (int64_t slot = 0; slot < n_active; ++slot) {
      const int64_t at = (begin + slot) * n;
      const Scalar* cell_before = step > 0 ? cell_.view().data() + (before + slot) * n : nullptr;
      cell_backward<Scalar>(gates.data() + 4 * at,
                            cell_before,
                            tanh_cell_.view().data() + at,
                            d_hidden.data() + slot * n,
                            d_cell.data() + slot * n,
                            n);
    }
    if (step > 0) {
      d_hidden.topRows(n_active).noalias() = gates.middleRows(begin, n_active) * weight_hh;
    }
  }
}

template <typename Scalar>
void Lstm<Scalar>::backward_weight(const RaggedLayout& layout,
                                   const ConstMatrixMap<Scalar>& x,
                                   const LstmTensors<Scalar>& d_weights) {
  const int64_t n = n_hidden_;
  const MatrixMap<Scalar> d_gates = gates_.view();
  const MatrixMap<Scalar> hidden = hidden_.view();
  const int64_t n_later = layout.n_row - layout.n_sequence;  // rows with a predecessor
  previous_.reserve(n_later, n);
  MatrixMap<Scalar> previous = previous_.view();
  for (int64_t step = 1; step < layout.n_step; ++step) {
    previous.middleRows(layout.first_row_of_step[step] - layout.n_sequence, layout.n_active(step)) =
        hidden.middleRows(layout.first_row_of_step[step - 1], layout.n_active(step));
  }
  MatrixMap<Scalar>(d_weights.weight_ih, 4 * n, n_input_).noalias() += d_gates.transpose() * x;
  if (n_later > 0) {
    MatrixMap<Scalar>(d_weights.weight_hh, 4 * n, n).noalias() +=
        d_gates.bottomRows(n_later).transpose() * previous;
  }
  const RowVector<Scalar> d_bias = d_gates.colwise().sum();
  VectorMap<Scalar>(d_weights.bias_ih, 4 * n) += d_bias;
  VectorMap<Scalar>(d_weights.bias_hh, 4 * n) += d_bias;
}

template <typename Scalar>
void Lstm<Scalar>::backward_input(const LstmTensors<const Scalar>& weights,
                                  MatrixMap<Scalar> d_x) const {
  linear_backward_input<Scalar>(
      ConstMatrixMap<Scalar>(weights.weight_ih, 4 * n_hidden_, n_input_), gates_.view(), d_x);
}

template class Lstm<float>;
template class Lstm<double>;

}  // namespace mascing::nn
