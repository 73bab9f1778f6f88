// x [n_row, L * F] and the projection's output [n_row * L, F] are the same memory: concatenating
// the layers costs nothing.
#include "nn/network.h"

#include <algorithm>

#include "nn/layer_norm.h"

namespace mascing::nn {
namespace {

/// Tokens whose d_x is computed at once: enough rows for the product, few enough for the cache.
constexpr int64_t kBackwardRows = 64;

template <typename Scalar>
ConstMatrixMap<Scalar> read_only(const MatrixMap<Scalar>& map) {
  return {map.data(), map.rows(), map.cols()};
}

template <typename Scalar>
Rows<const Scalar> rows_of(const MatrixMap<Scalar>& map) {
  return {map.data(), map.cols(), map.rows()};
}

}  // namespace

int64_t piece_tokens(const SurrogateShape& shape) {
  constexpr int64_t kLogits = int64_t{16} << 20;  // 32 MB of half-precision numbers
  return std::clamp<int64_t>(kLogits / (shape.n_layer * shape.n_expert), 256, 4096);
}

template <typename Scalar>
Network<Scalar>::Network(const PreparedWeights<Scalar>& weights)
    : weights_(weights), lstm_(weights.shape().n_hidden) {
  token_.reserve(weights.shape().n_layer, weights.shape().n_expert);
}

template <typename Scalar>
void Network<Scalar>::features(const RaggedLayout& layout, const TokenReader<Scalar>& reader) {
  const int64_t n_layer = weights_.shape().n_layer;
  x_.reserve(layout.n_row, weights_.width());
  mean_.reserve(layout.n_row, n_layer);
  inv_std_.reserve(layout.n_row, n_layer);
  const int64_t n_expert = weights_.shape().n_expert;
  MatrixMap<Scalar> token = token_.view();
  TokenWalk<Scalar> walk(layout, reader);
  for (int64_t i = 0; i < layout.n_row; ++i) {
    walk.load(i, token.data());
    for (int64_t i_layer = 0; i_layer < n_layer; ++i_layer) {
      walk.prefetch(i_layer);
      normalise_row<Scalar>(token.data() + i_layer * n_expert,
                            n_expert,
                            mean_.view()(i, i_layer),
                            inv_std_.view()(i, i_layer));
    }
    weights_.features(rows_of(token), x_.view().data() + i * weights_.width());
  }
}

template <typename Scalar>
void Network<Scalar>::forward(const RaggedLayout& layout,
                              const TokenReader<Scalar>& reader,
                              Scalar* logits) {
  const SurrogateView<const Scalar> view = weights_.view();
  const int64_t n_hidden = weights_.shape().n_hidden;
  features(layout, reader);
  weights_.gates(rows_of(x_.view()), lstm_.reserve(layout).data());
  last_.reserve(layout.n_sequence, n_hidden);
  MatrixMap<Scalar> last = last_.view();
  lstm_.forward(layout, weights_.recurrent(), last);
  const ConstVectorMap<Scalar> out_weight(view.out_weight, n_hidden);
  for (int64_t slot = 0; slot < layout.n_sequence; ++slot) {
    logits[layout.sequence_of_slot[slot]] = last.row(slot).dot(out_weight) + *view.out_bias;
  }
}

template <typename Scalar>
void Network<Scalar>::backward(const RaggedLayout& layout,
                               const TokenReader<Scalar>& reader,
                               const Scalar* d_logits,
                               WeightGradient<Scalar>& gradient) {
  const int64_t n_hidden = weights_.shape().n_hidden;
  const ConstVectorMap<Scalar> out_weight(weights_.view().out_weight, n_hidden);
  d_last_.reserve(layout.n_sequence, n_hidden);
  MatrixMap<Scalar> d_last = d_last_.view();
  for (int64_t slot = 0; slot < layout.n_sequence; ++slot) {
    const Scalar d_logit = d_logits[layout.sequence_of_slot[slot]];
    d_last.row(slot) = d_logit * out_weight;
    gradient.add_output(d_logit, last_.view().data() + slot * n_hidden);
  }
  lstm_.backward(layout, weights_.recurrent_backward(), read_only(d_last));
  const Rows<const Scalar> d_gates = rows_of(lstm_.gates());
  gradient.add_gates(d_gates, rows_of(x_.view()));
  gradient.add_recurrent({d_gates.data + layout.n_sequence * d_gates.stride,
                          d_gates.stride,
                          layout.n_row - layout.n_sequence},
                         rows_of(lstm_.previous_states(layout)));
  if (!weights_.is_folded()) {
    backward_projection(layout, reader, gradient);
  }
}

template <typename Scalar>
void Network<Scalar>::backward_projection(const RaggedLayout& layout,
                                          const TokenReader<Scalar>& reader,
                                          WeightGradient<Scalar>& gradient) {
  const int64_t n_layer = weights_.shape().n_layer;
  const int64_t n_expert = weights_.shape().n_expert;
  MatrixMap<Scalar> token = token_.view();
  TokenWalk<Scalar> walk(layout, reader);
  d_x_.reserve(kBackwardRows, weights_.width());
  Scalar* d_x = d_x_.view().data();
  for (int64_t first = 0; first < layout.n_row; first += kBackwardRows) {
    const int64_t n = std::min(kBackwardRows, layout.n_row - first);
    const MatrixMap<Scalar> d_gates = lstm_.gates();
    weights_.gates_backward({d_gates.data() + first * d_gates.cols(), d_gates.cols(), n}, d_x);
    for (int64_t i = 0; i < n; ++i) {
      const int64_t row = first + i;
      walk.load(row, token.data());
      for (int64_t i_layer = 0; i_layer < n_layer; ++i_layer) {
        walk.prefetch(i_layer);
        normalise_row_again<Scalar>(token.data() + i_layer * n_expert,
                                    n_expert,
                                    mean_.view()(row, i_layer),
                                    inv_std_.view()(row, i_layer));
      }
      gradient.add_projection(rows_of(token), d_x + i * weights_.width());
    }
  }
}

template class Network<float>;
template class Network<double>;

}  // namespace mascing::nn
