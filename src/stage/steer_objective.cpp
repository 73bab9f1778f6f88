// The surrogate fetches steered tokens and hands back gradients token by token; each thread sums
// its own.
#include "stage/steer_objective.h"

#include <numeric>

#include "nn/loss.h"
#include "nn/parallel.h"
#include "stage/ragged_traces.h"

namespace mascing {
namespace {

using nn::ArrayMap;
using nn::ConstArrayMap;

/// z [L, E] += sigma [L] * S [L, E].
template <typename Scalar>
void add_steering(
    const float* sigma, const Scalar* steer, int64_t n_layer, int64_t n_expert, Scalar* z) {
  for (int64_t i_layer = 0; i_layer < n_layer; ++i_layer) {
    ArrayMap<Scalar>(z + i_layer * n_expert, n_expert) +=
        static_cast<Scalar>(sigma[i_layer]) *
        ConstArrayMap<Scalar>(steer + i_layer * n_expert, n_expert);
  }
}

}  // namespace

template <typename Scalar>
SteerObjective<Scalar>::SteerObjective(const Surrogate& surrogate,
                                       const TraceSet& set,
                                       int64_t n_thread)
    : set_(set), runner_(surrogate.shape, n_thread), d_parts_(n_thread) {
  const std::vector<Scalar> values(surrogate.values.begin(), surrogate.values.end());
  runner_.set_weights(values.data());
}

template <typename Scalar>
void SteerObjective<Scalar>::use_token_sigma(const std::vector<int64_t>& traces) {
  layer_sigma_.clear();
  token_sigma_.resize(set_.traces.size());
  for (int64_t i_trace : traces) {
    token_sigma_[i_trace] = token_sigma(set_, i_trace);
  }
}

template <typename Scalar>
void SteerObjective<Scalar>::use_layer_sigma(const std::vector<float>& layer_sigma) {
  layer_sigma_ = layer_sigma;
}

template <typename Scalar>
const float* SteerObjective<Scalar>::sigma_of(int64_t i_trace, int64_t i_token) const {
  return layer_sigma_.empty() ? &token_sigma_[i_trace][i_token * set_.n_layer]
                              : layer_sigma_.data();
}

template <typename Scalar>
double SteerObjective<Scalar>::surrogate_loss(const std::vector<int64_t>& batch,
                                              int target,
                                              const std::vector<Scalar>& steer,
                                              std::vector<Scalar>& d_steer) {
  nn::Batch<Scalar> steered = trace_batch<Scalar>(set_, batch);
  steered.load = [&](int64_t i_sequence, int64_t i_token, Scalar* z) {
    read_token<Scalar>(set_, batch[i_sequence], i_token, z);
    add_steering<Scalar>(
        sigma_of(batch[i_sequence], i_token), steer.data(), set_.n_layer, set_.n_expert, z);
  };
  for (std::vector<Scalar>& part : d_parts_) {
    part.assign(steer.size(), Scalar(0));
  }
  labels_.assign(batch.size(), static_cast<Scalar>(target));
  const double loss = runner_.input_gradient(
      steered,
      labels_,
      [&](int64_t i_part, int64_t i_sequence, int64_t i_token, const Scalar* d_z) {
        const float* sigma = sigma_of(batch[i_sequence], i_token);
        for (int64_t i_layer = 0; i_layer < set_.n_layer; ++i_layer) {
          const int64_t at = i_layer * set_.n_expert;
          ArrayMap<Scalar>(d_parts_[i_part].data() + at, set_.n_expert) +=
              static_cast<Scalar>(sigma[i_layer]) * ConstArrayMap<Scalar>(d_z + at, set_.n_expert);
        }
      });
  add_parts(Scalar(1), d_steer);
  return loss;
}

template <typename Scalar>
double SteerObjective<Scalar>::trace_divergence(int64_t i_trace,
                                                const std::vector<Scalar>& steer,
                                                std::vector<Scalar>& d_steer) const {
  const int64_t n_expert = set_.n_expert;
  nn::AlignedVector<Scalar> z(steer.size());
  nn::AlignedVector<Scalar> z_steered(steer.size());
  nn::AlignedVector<Scalar> d(n_expert);
  double sum = 0.0;
  for (int64_t i_token = 0; i_token < set_.traces[i_trace].n_token; ++i_token) {
    const float* sigma = sigma_of(i_trace, i_token);
    read_token<Scalar>(set_, i_trace, i_token, z.data());
    z_steered = z;
    add_steering<Scalar>(sigma, steer.data(), set_.n_layer, n_expert, z_steered.data());
    for (int64_t i_layer = 0; i_layer < set_.n_layer; ++i_layer) {
      const int64_t at = i_layer * n_expert;
      sum += nn::softmax_divergence<Scalar>(&z[at], &z_steered[at], n_expert, d.data());
      ArrayMap<Scalar>(d_steer.data() + at, n_expert) +=
          static_cast<Scalar>(sigma[i_layer]) * ConstArrayMap<Scalar>(d.data(), n_expert);
    }
  }
  return sum;
}

template <typename Scalar>
double SteerObjective<Scalar>::divergence(const std::vector<int64_t>& batch,
                                          double weight,
                                          const std::vector<Scalar>& steer,
                                          std::vector<Scalar>& d_steer) {
  const std::vector<int64_t> lengths = trace_batch<Scalar>(set_, batch).lengths;
  const auto n_part = static_cast<int64_t>(d_parts_.size());
  const std::vector<nn::SequenceRange> ranges = nn::split_by_tokens(lengths, n_part);
  std::vector<double> sums(n_part, 0.0);
  nn::run_parts(n_part, [&](int64_t i_part) {
    d_parts_[i_part].assign(steer.size(), Scalar(0));
    for (int64_t i = ranges[i_part].begin; i < ranges[i_part].end; ++i) {
      sums[i_part] += trace_divergence(batch[i], steer, d_parts_[i_part]);
    }
  });
  const int64_t n_token = std::accumulate(lengths.begin(), lengths.end(), int64_t{0});
  const double share = 1.0 / static_cast<double>(n_token * set_.n_layer);
  add_parts(static_cast<Scalar>(weight * share), d_steer);
  return std::accumulate(sums.begin(), sums.end(), 0.0) * share;
}

template <typename Scalar>
void SteerObjective<Scalar>::add_parts(Scalar weight, std::vector<Scalar>& d_steer) const {
  const auto n = static_cast<int64_t>(d_steer.size());
  for (const std::vector<Scalar>& part : d_parts_) {
    ArrayMap<Scalar>(d_steer.data(), n) += weight * ConstArrayMap<Scalar>(part.data(), n);
  }
}

template class SteerObjective<float>;
template class SteerObjective<double>;

}  // namespace mascing
