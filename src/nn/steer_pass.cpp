// A piece of some thousand tokens at a time: read once for <y, S>, then forward and backward for
// one task after the other, then read once more for sum a y.
#include "nn/steer_pass.h"

#include <algorithm>
#include <cmath>

#include "base/numeric.h"
#include "nn/layer_norm.h"
#include "nn/loss.h"
#include "nn/network.h"
#include "nn/vector_ops.h"

namespace mascing::nn {
namespace {

/// Tokens whose x or d_x is computed at once.
constexpr int64_t kPassRows = 64;

}  // namespace

template <typename Scalar>
SteerPass<Scalar>::SteerPass(std::vector<const PreparedWeights<Scalar>*> surrogates)
    : surrogates_(std::move(surrogates)),
      shape_(surrogates_.front()->shape()),
      lstm_(shape_.n_hidden) {
  token_.reserve(shape_.n_layer, shape_.n_expert);
  x_.reserve(kPassRows, surrogates_.front()->width());
}

template <typename Scalar>
void SteerPass<Scalar>::start(const std::vector<SteerTask<Scalar>>& tasks, bool wants_gradient) {
  tasks_ = tasks;
  wants_gradient_ = wants_gradient;
  sums_.resize(tasks.size());
  const int64_t n_expert = shape_.n_expert;
  const int64_t n_feature = surrogates_.front()->n_feature();
  for (size_t i = 0; i < tasks.size(); ++i) {
    TaskSums& sums = sums_[i];
    sums.loss = 0.0;
    sums.centred.assign(tasks[i].steer, tasks[i].steer + shape_.n_layer * n_expert);
    sums.steer_variance.resize(shape_.n_layer);
    for (int64_t i_layer = 0; i_layer < shape_.n_layer; ++i_layer) {
      sums.steer_variance[i_layer] =
          centre_row(sums.centred.data() + i_layer * n_expert, n_expert).variance;
    }
    sums.steer_features.resize(shape_.n_layer * n_feature);
    surrogates_[tasks[i].i_surrogate]->features({sums.centred.data(), n_expert, shape_.n_layer},
                                                sums.steer_features.data());
    sums.d_features.assign(shape_.n_layer * n_feature, Scalar(0));
    sums.d_logits.assign(shape_.n_layer * n_expert, Scalar(0));
    sums.d_scale.assign(shape_.n_layer, Scalar(0));
  }
}

template <typename Scalar>
void SteerPass<Scalar>::run(const SteerBatch<Scalar>& batch,
                            SequenceRange range,
                            int64_t n_sequence) {
  for (const SequenceRange piece : split_by_limit(batch.lengths, range, piece_tokens(shape_))) {
    const RaggedLayout layout =
        pack_sequences(&batch.lengths[piece.begin], piece.end - piece.begin, piece.begin);
    place_rows(batch, layout);
    read_rows(batch, layout);
    for (int64_t i_task = 0; i_task < std::ssize(tasks_); ++i_task) {
      forward(layout, i_task);
      losses(batch, layout, i_task, n_sequence);
      if (wants_gradient_) {
        backward(layout, i_task);
      }
    }
    if (wants_gradient_) {
      gather_rows(batch, layout);
    }
    batch.reader.release_all(piece);
  }
}

template <typename Scalar>
void SteerPass<Scalar>::place_rows(const SteerBatch<Scalar>& batch, const RaggedLayout& layout) {
  const int64_t n_layer = shape_.n_layer;
  const int64_t width = surrogates_.front()->width();
  const int64_t n_surrogate = std::ssize(surrogates_);
  rows_.resize(layout.n_row);
  is_new_.assign(layout.n_row, 1);
  const size_t n_moment = 2 * layout.n_row * n_layer;
  if (local_moments_.size() < n_moment) {
    local_moments_.resize(n_moment);
  }
  int64_t n_local = 0;
  for (int64_t i = 0; i < layout.n_row; ++i) {
    const int64_t i_sequence = layout.sequence_of_row[i];
    const int64_t t = layout.token_of_row[i];
    const int64_t length = batch.lengths[i_sequence];
    SequenceBase<Scalar>* base = batch.base ? batch.base(i_sequence) : nullptr;
    if (base == nullptr) {
      Scalar* moments = local_moments_.data() + 2 * i * n_layer;
      rows_[i] = {moments, moments + n_layer, nullptr, width};
      ++n_local;
      continue;
    }
    if (base->mean.empty()) {
      base->mean.resize(length * n_layer);
      base->variance.resize(length * n_layer);
      base->features.resize(n_surrogate * length * width);
    }
    is_new_[i] = base->is_filled ? 0 : 1;
    rows_[i] = {base->mean.data() + t * n_layer,
                base->variance.data() + t * n_layer,
                base->features.data() + t * width,
                length * width};
  }
  const size_t n_feature = n_local * n_surrogate * width;
  if (local_features_.size() < n_feature) {
    local_features_.resize(n_feature);
  }
  Scalar* next = local_features_.data();
  for (RowBase& row : rows_) {
    if (row.features == nullptr) {
      row.features = next;
      next += n_surrogate * width;
    }
  }
}

template <typename Scalar>
void SteerPass<Scalar>::read_rows(const SteerBatch<Scalar>& batch, const RaggedLayout& layout) {
  const int64_t n_layer = shape_.n_layer;
  const int64_t n_expert = shape_.n_expert;
  MatrixMap<Scalar> token = token_.view();
  sigma_.reserve(layout.n_row, n_layer);
  for (TaskSums& sums : sums_) {
    sums.per_row.reserve(layout.n_row, n_layer);
  }
  TokenWalk<Scalar> walk(layout, batch.reader);
  for (int64_t i = 0; i < layout.n_row; ++i) {
    walk.load(i, token.data());
    for (int64_t i_layer = 0; i_layer < n_layer; ++i_layer) {
      walk.prefetch(i_layer);
      Scalar* y = token.data() + i_layer * n_expert;
      if (is_new_[i] != 0) {
        const RowStatistics<Scalar> row = centre_row(y, n_expert);
        rows_[i].mean[i_layer] = row.mean;
        rows_[i].variance[i_layer] = row.variance;
      } else {
        subtract_mean(y, n_expert, rows_[i].mean[i_layer]);
      }
      sigma_.view()(i, i_layer) = batch.layer_sigma != nullptr
                                      ? Scalar{batch.layer_sigma[i_layer]}
                                      : std::sqrt(rows_[i].variance[i_layer]);
      for (size_t i_task = 0; i_task < tasks_.size(); ++i_task) {
        sums_[i_task].per_row.view()(i, i_layer) =
            dot(y, tasks_[i_task].steer + i_layer * n_expert, n_expert) /
            to_scalar<Scalar>(n_expert);
      }
    }
    if (is_new_[i] != 0) {
      for (size_t k = 0; k < surrogates_.size(); ++k) {
        surrogates_[k]->features({token.data(), n_expert, n_layer},
                                 rows_[i].features + k * rows_[i].next_surrogate);
      }
    }
  }
  for (int64_t slot = 0; batch.base && slot < layout.n_sequence; ++slot) {
    if (SequenceBase<Scalar>* base = batch.base(layout.sequence_of_slot[slot])) {
      base->is_filled = true;
    }
  }
}

/// x of rows first .. first + n - 1; per_row becomes r.
template <typename Scalar>
void SteerPass<Scalar>::fill_inputs(int64_t i_task, int64_t first, int64_t n, Scalar* x) {
  const int64_t n_layer = shape_.n_layer;
  const PreparedWeights<Scalar>& weights = *surrogates_[tasks_[i_task].i_surrogate];
  const int64_t n_feature = weights.n_feature();
  TaskSums& sums = sums_[i_task];
  const ConstArrayMap<Scalar> steer_variance(sums.steer_variance.data(), n_layer);
  for (int64_t row = first; row < first + n; ++row, x += weights.width()) {
    const RowBase& base = rows_[row];
    const ConstArrayMap<Scalar> variance(base.variance, n_layer);
    const ConstArrayMap<Scalar> sigma(sigma_.view().data() + row * n_layer, n_layer);
    ArrayMap<Scalar> r(sums.per_row.view().data() + row * n_layer, n_layer);
    // Rounding may leave a row that S flattens with less than nothing.
    r = (variance + sigma * (Scalar(2) * r + sigma * steer_variance)).max(Scalar(0)) +
        to_scalar<Scalar>(kLayerNormEps);
    r = r.sqrt().inverse();
    const Scalar* u = base.features + tasks_[i_task].i_surrogate * base.next_surrogate;
    for (int64_t i_layer = 0; i_layer < n_layer; ++i_layer) {
      const int64_t at = i_layer * n_feature;
      scaled_sum(
          r[i_layer], u + at, sigma[i_layer], sums.steer_features.data() + at, n_feature, x + at);
    }
  }
}

template <typename Scalar>
void SteerPass<Scalar>::forward(const RaggedLayout& layout, int64_t i_task) {
  const PreparedWeights<Scalar>& weights = *surrogates_[tasks_[i_task].i_surrogate];
  Scalar* gates = lstm_.reserve(layout).data();
  Scalar* x = x_.view().data();
  for (int64_t first = 0; first < layout.n_row; first += kPassRows) {
    const int64_t n = std::min(kPassRows, layout.n_row - first);
    fill_inputs(i_task, first, n, x);
    weights.gates({x, weights.width(), n}, gates + first * 4 * shape_.n_hidden);
  }
  last_.reserve(layout.n_sequence, shape_.n_hidden);
  lstm_.forward(layout, weights.recurrent(), last_.view());
}

/// Adds to the loss; leaves the gradient of the last states in d_last_.
template <typename Scalar>
void SteerPass<Scalar>::losses(const SteerBatch<Scalar>& batch,
                               const RaggedLayout& layout,
                               int64_t i_task,
                               int64_t n_sequence) {
  const SurrogateView<const Scalar> view = surrogates_[tasks_[i_task].i_surrogate]->view();
  const ConstVectorMap<Scalar> out_weight(view.out_weight, shape_.n_hidden);
  const double target = tasks_[i_task].target;
  d_last_.reserve(layout.n_sequence, shape_.n_hidden);
  for (int64_t slot = 0; slot < layout.n_sequence; ++slot) {
    const Scalar* last = last_.view().data() + slot * shape_.n_hidden;
    const float* offset = batch.offset;
    const double logit = double{dot(last, view.out_weight, shape_.n_hidden) + *view.out_bias} +
                         (offset != nullptr ? double{offset[layout.sequence_of_slot[slot]]} : 0.0);
    sums_[i_task].loss += bce_with_logits(logit, target);
    const double d_logit = d_bce_with_logits(logit, target) / to_double(n_sequence);
    d_last_.view().row(slot) = to_scalar<Scalar>(d_logit) * out_weight;
  }
}

template <typename Scalar>
void SteerPass<Scalar>::backward(const RaggedLayout& layout, int64_t i_task) {
  const PreparedWeights<Scalar>& weights = *surrogates_[tasks_[i_task].i_surrogate];
  const MatrixMap<Scalar> d_last = d_last_.view();
  lstm_.backward(layout,
                 weights.recurrent_backward(),
                 ConstMatrixMap<Scalar>(d_last.data(), d_last.rows(), d_last.cols()));
  const int64_t n_gate = 4 * shape_.n_hidden;
  const Scalar* d_gates = lstm_.gates().data();
  Scalar* d_x = x_.view().data();
  for (int64_t first = 0; first < layout.n_row; first += kPassRows) {
    const int64_t n = std::min(kPassRows, layout.n_row - first);
    weights.gates_backward({d_gates + first * n_gate, n_gate, n}, d_x);
    for (int64_t i = 0; i < n; ++i) {
      reduce_row(i_task, first + i, d_x + i * weights.width());
    }
  }
}

/// Adds one token to A and sum a sigma; per_row becomes a.
template <typename Scalar>
void SteerPass<Scalar>::reduce_row(int64_t i_task, int64_t row, const Scalar* d_x) {
  const PreparedWeights<Scalar>& weights = *surrogates_[tasks_[i_task].i_surrogate];
  const int64_t n_feature = weights.n_feature();
  TaskSums& sums = sums_[i_task];
  const Scalar* u = rows_[row].features + tasks_[i_task].i_surrogate * rows_[row].next_surrogate;
  for (int64_t i_layer = 0; i_layer < shape_.n_layer; ++i_layer) {
    const int64_t at = i_layer * n_feature;
    const Scalar sigma = sigma_.view()(row, i_layer);
    const Scalar r = sums.per_row.view()(row, i_layer);
    const Scalar product = dot(d_x + at, u + at, n_feature) +
                           sigma * dot(d_x + at, sums.steer_features.data() + at, n_feature);
    const Scalar a = sigma * r * r * r * product / to_scalar<Scalar>(shape_.n_expert);
    add_scaled(r * sigma, d_x + at, n_feature, sums.d_features.data() + at);
    sums.d_scale[i_layer] += a * sigma;
    sums.per_row.view()(row, i_layer) = a;
  }
}

template <typename Scalar>
void SteerPass<Scalar>::gather_rows(const SteerBatch<Scalar>& batch, const RaggedLayout& layout) {
  const int64_t n_expert = shape_.n_expert;
  MatrixMap<Scalar> token = token_.view();
  TokenWalk<Scalar> walk(layout, batch.reader);
  for (int64_t i = 0; i < layout.n_row; ++i) {
    walk.load(i, token.data());
    for (int64_t i_layer = 0; i_layer < shape_.n_layer; ++i_layer) {
      walk.prefetch(i_layer);
      Scalar* y = token.data() + i_layer * n_expert;
      subtract_mean(y, n_expert, rows_[i].mean[i_layer]);
      for (TaskSums& sums : sums_) {
        add_scaled(sums.per_row.view()(i, i_layer),
                   y,
                   n_expert,
                   sums.d_logits.data() + i_layer * n_expert);
      }
    }
  }
}

template <typename Scalar>
void SteerPass<Scalar>::merge(const SteerPass& other) {
  for (size_t i = 0; i < sums_.size(); ++i) {
    const TaskSums& from = other.sums_[i];
    TaskSums& to = sums_[i];
    to.loss += from.loss;
    const auto add = [](const AlignedVector<Scalar>& x, AlignedVector<Scalar>& y) {
      add_scaled(Scalar(1), x.data(), std::ssize(x), y.data());
    };
    add(from.d_features, to.d_features);
    add(from.d_logits, to.d_logits);
    add(from.d_scale, to.d_scale);
  }
}

template <typename Scalar>
void SteerPass<Scalar>::finish(int64_t i_task, Scalar* d_steer) const {
  const PreparedWeights<Scalar>& weights = *surrogates_[tasks_[i_task].i_surrogate];
  const TaskSums& sums = sums_[i_task];
  AlignedVector<Scalar> d_row(shape_.n_expert);
  for (int64_t i_layer = 0; i_layer < shape_.n_layer; ++i_layer) {
    const int64_t at = i_layer * shape_.n_expert;
    std::fill(d_row.begin(), d_row.end(), Scalar(0));
    weights.add_features_backward(sums.d_features.data() + i_layer * weights.n_feature(),
                                  d_row.data());
    centre_row(d_row.data(), shape_.n_expert);
    add_scaled(Scalar(-1), sums.d_logits.data() + at, shape_.n_expert, d_row.data());
    add_scaled(-sums.d_scale[i_layer], sums.centred.data() + at, shape_.n_expert, d_row.data());
    add_scaled(Scalar(1), d_row.data(), shape_.n_expert, d_steer + at);
  }
}

template class SteerPass<float>;
template class SteerPass<double>;

}  // namespace mascing::nn
