// x [n_row, L * P] and the projection's output [n_row * L, P] are the same memory: concatenating
// the layers costs nothing.
#include "nn/network.h"

#include <algorithm>

#include "nn/layer_norm.h"

namespace mascing::nn {
namespace {

/// A block's numbers: 128 KiB of floats, half of a small second-level cache.
constexpr int64_t kBlockSize = 32768;

template <typename Scalar>
LstmTensors<Scalar> lstm_tensors(const SurrogateView<Scalar>& view) {
  return {view.lstm_weight_ih, view.lstm_weight_hh, view.lstm_bias_ih, view.lstm_bias_hh};
}

template <typename Scalar>
ConstMatrixMap<Scalar> read_only(const MatrixMap<Scalar>& map) {
  return {map.data(), map.rows(), map.cols()};
}

}  // namespace

template <typename Scalar>
Network<Scalar>::Network(const SurrogateShape& shape)
    : shape_(shape),
      n_block_(std::max<int64_t>(1, kBlockSize / (shape.n_layer * shape.n_expert))),
      projection_(shape),
      lstm_(shape.n_layer * shape.n_proj, shape.n_hidden) {}

template <typename Scalar>
void Network<Scalar>::set_weights(const Scalar* values) {
  values_ = values;
  projection_.set_weights(SurrogateView<const Scalar>(shape_, values));
}

template <typename Scalar>
MatrixMap<Scalar> Network<Scalar>::load_block(const RaggedLayout& layout,
                                              const LoadToken<Scalar>& load,
                                              int64_t first,
                                              int64_t n) {
  block_.reserve(n * shape_.n_layer, shape_.n_expert);
  inv_std_.reserve(1, n * shape_.n_layer);
  MatrixMap<Scalar> block = block_.view();
  const int64_t n_token_size = shape_.n_layer * shape_.n_expert;
  for (int64_t i = 0; i < n; ++i) {
    load(layout.sequence_of_row[first + i],
         layout.token_of_row[first + i],
         block.data() + i * n_token_size);
  }
  return block;
}

template <typename Scalar>
void Network<Scalar>::forward(const RaggedLayout& layout,
                              const LoadToken<Scalar>& load,
                              Scalar* logits) {
  const SurrogateView<const Scalar> view(shape_, values_);
  const int64_t n_x = shape_.n_layer * shape_.n_proj;
  x_.reserve(layout.n_row, n_x);
  for (int64_t first = 0; first < layout.n_row; first += n_block_) {
    const int64_t n = std::min(n_block_, layout.n_row - first);
    const MatrixMap<Scalar> z = load_block(layout, load, first, n);
    projection_.forward(z,
                        VectorMap<Scalar>(inv_std_.view().data(), z.rows()),
                        MatrixMap<Scalar>(x_.view().data() + first * n_x, z.rows(), shape_.n_proj));
  }
  last_.reserve(layout.n_sequence, shape_.n_hidden);
  MatrixMap<Scalar> last = last_.view();
  lstm_.forward(layout, lstm_tensors(view), read_only(x_.view()), last);
  const ConstVectorMap<Scalar> out_weight(view.out_weight, shape_.n_hidden);
  for (int64_t slot = 0; slot < layout.n_sequence; ++slot) {
    logits[layout.sequence_of_slot[slot]] = last.row(slot).dot(out_weight) + *view.out_bias;
  }
}

template <typename Scalar>
void Network<Scalar>::backward(const RaggedLayout& layout,
                               const LoadToken<Scalar>& load,
                               const Scalar* d_logits,
                               const GradientSink<Scalar>& sink) {
  const SurrogateView<const Scalar> view(shape_, values_);
  const ConstVectorMap<Scalar> out_weight(view.out_weight, shape_.n_hidden);
  d_last_.reserve(layout.n_sequence, shape_.n_hidden);
  MatrixMap<Scalar> d_last = d_last_.view();
  for (int64_t slot = 0; slot < layout.n_sequence; ++slot) {
    d_last.row(slot) = d_logits[layout.sequence_of_slot[slot]] * out_weight;
  }
  lstm_.backward(layout, lstm_tensors(view), read_only(d_last));
  if (sink.d_values != nullptr) {
    const SurrogateView<Scalar> d_view(shape_, sink.d_values);
    lstm_.backward_weight(layout, read_only(x_.view()), lstm_tensors(d_view));
    const MatrixMap<Scalar> last = last_.view();
    VectorMap<Scalar> d_out_weight(d_view.out_weight, shape_.n_hidden);
    for (int64_t slot = 0; slot < layout.n_sequence; ++slot) {
      d_out_weight += d_logits[layout.sequence_of_slot[slot]] * last.row(slot);
      *d_view.out_bias += d_logits[layout.sequence_of_slot[slot]];
    }
  }
  lstm_.backward_input(lstm_tensors(view), x_.view());
  backward_tokens(layout, load, sink);
  if (sink.d_values != nullptr) {
    projection_.unfold_gradient(SurrogateView<Scalar>(shape_, sink.d_values));
  }
}

template <typename Scalar>
void Network<Scalar>::backward_tokens(const RaggedLayout& layout,
                                      const LoadToken<Scalar>& load,
                                      const GradientSink<Scalar>& sink) {
  const int64_t n_token_size = shape_.n_layer * shape_.n_expert;
  const int64_t n_x = shape_.n_layer * shape_.n_proj;
  for (int64_t first = 0; first < layout.n_row; first += n_block_) {
    const int64_t n = std::min(n_block_, layout.n_row - first);
    const MatrixMap<Scalar> z = load_block(layout, load, first, n);
    const VectorMap<Scalar> inv_std(inv_std_.view().data(), z.rows());
    const ConstMatrixMap<Scalar> d_x(x_.view().data() + first * n_x, z.rows(), shape_.n_proj);
    normalise_rows<Scalar>(z, inv_std);
    if (sink.d_values != nullptr) {
      projection_.backward_weight(read_only(z), d_x);
    }
    if (!sink.store) {
      continue;
    }
    d_block_.reserve(z.rows(), shape_.n_expert);
    const MatrixMap<Scalar> d_z = d_block_.view();
    projection_.backward_input(
        read_only(z), ConstVectorMap<Scalar>(inv_std.data(), inv_std.size()), d_x, d_z);
    for (int64_t i = 0; i < n; ++i) {
      sink.store(layout.sequence_of_row[first + i],
                 layout.token_of_row[first + i],
                 d_z.data() + i * n_token_size);
    }
  }
}

template class Network<float>;
template class Network<double>;

}  // namespace mascing::nn
