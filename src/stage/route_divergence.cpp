// The probabilities are worked out once per token and serve all matrices: q is p, tilted by
// exp(sigma S).
#include "stage/route_divergence.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/numeric.h"
#include "base/parallel.h"
#include "nn/layer_norm.h"
#include "nn/loss.h"
#include "nn/vector_ops.h"
#include "stage/ragged_traces.h"

namespace mascing {
namespace {

/// Floors that are kept from call to call, at most.
constexpr int64_t kKeptFloors = int64_t{8} << 20;

using Order = std::vector<int64_t>;

/// Marks the k largest of y [n]; the lower number wins a tie, as in a stable sort.
void mark_top(const float* y, int64_t k, Order& order, std::vector<uint8_t>& marks) {
  std::iota(order.begin(), order.end(), 0);
  std::nth_element(order.begin(), order.begin() + (k - 1), order.end(), [&](int64_t a, int64_t b) {
    return y[a] > y[b] || (y[a] == y[b] && a < b);
  });
  std::fill(marks.begin(), marks.end(), uint8_t{0});
  for (int64_t i = 0; i < k; ++i) {
    marks[order[i]] = 1;
  }
}

/// Number of choices of one token's layer that differ, of k.
int64_t flips_of_row(const float* z, const float* steer, float sigma, int64_t n, int64_t k) {
  Order order(n);
  std::vector<uint8_t> before(n);
  std::vector<uint8_t> after(n);
  std::vector<float> steered(n);
  for (int64_t e = 0; e < n; ++e) {
    steered[e] = z[e] + sigma * steer[e];
  }
  mark_top(z, k, order, before);
  mark_top(steered.data(), k, order, after);
  int64_t n_flip = 0;
  for (int64_t e = 0; e < n; ++e) {
    n_flip += after[e] == 1 && before[e] == 0 ? 1 : 0;
  }
  return n_flip;
}

}  // namespace

template <typename Scalar>
RouteDivergence<Scalar>::RouteDivergence(const TraceSet& set,
                                         double reach,
                                         std::vector<float> layer_sigma,
                                         int64_t n_thread)
    : set_(set),
      reach_(reach),
      layer_sigma_(std::move(layer_sigma)),
      parts_(n_thread),
      floors_(set.traces.size()) {}

template <typename Scalar>
bool RouteDivergence<Scalar>::is_restricted() const {
  return reach_ > 0.0 && set_.n_expert_used > 0 && set_.n_expert_used < set_.n_expert;
}

template <typename Scalar>
Scalar RouteDivergence<Scalar>::floor_of(const Scalar* y, Scalar sigma) const {
  std::vector<Scalar> copy(y, y + set_.n_expert);
  const auto kth = copy.begin() + (set_.n_expert_used - 1);
  std::nth_element(copy.begin(), kth, copy.end(), std::greater<Scalar>());
  return *kth - to_scalar<Scalar>(reach_) * sigma;
}

template <typename Scalar>
void RouteDivergence<Scalar>::to_probabilities(Scalar* y, Scalar floor) const {
  const nn::ConstArrayMap<Scalar> logits(y, set_.n_expert);
  const Scalar largest = logits.maxCoeff();
  nn::ArrayMap<Scalar> p(y, set_.n_expert);
  p = (logits >= floor).select((logits - largest).exp(), Scalar(0));
  p *= Scalar(1) / nn::sum(y, set_.n_expert);
}

template <typename Scalar>
void RouteDivergence<Scalar>::run_trace(int64_t i_trace,
                                        const std::vector<DivergenceTask<Scalar>>& tasks,
                                        Part& part) {
  const int64_t n_expert = set_.n_expert;
  const int64_t n_token = set_.traces[i_trace].n_token;
  std::vector<Scalar>& kept = floors_[i_trace];
  nn::AlignedVector<Scalar> z(set_.n_layer * n_expert);
  nn::AlignedVector<Scalar> d(n_expert);
  for (int64_t i = 0; i < n_token * set_.n_layer; ++i) {
    const int64_t i_layer = i % set_.n_layer;
    if (i_layer == 0) {
      read_token<Scalar>(set_, i_trace, i / set_.n_layer, z.data());
    }
    Scalar* y = z.data() + i_layer * n_expert;
    const Scalar spread = std::sqrt(nn::centre_row(y, n_expert).variance);
    const Scalar sigma = layer_sigma_.empty() ? spread : Scalar{layer_sigma_[i_layer]};
    Scalar floor = -std::numeric_limits<Scalar>::infinity();
    if (is_restricted()) {
      floor = kept.empty() || std::isnan(kept[i]) ? floor_of(y, sigma) : kept[i];
      if (!kept.empty()) {
        kept[i] = floor;
      }
    }
    to_probabilities(y, floor);
    for (size_t i_task = 0; i_task < tasks.size(); ++i_task) {
      const int64_t at = i_layer * n_expert;
      part.sums[i_task] +=
          nn::tilt_divergence(y, tasks[i_task].steer + at, sigma, n_expert, d.data());
      nn::add_scaled(Scalar(1), d.data(), n_expert, part.d_steers[i_task].data() + at);
    }
  }
  release_trace(set_, i_trace);
}

template <typename Scalar>
void RouteDivergence<Scalar>::make_room(const std::vector<int64_t>& batch) {
  for (int64_t i_trace : batch) {
    const int64_t size = set_.traces[i_trace].n_token * set_.n_layer;
    if (is_restricted() && floors_[i_trace].empty() && n_floor_ + size <= kKeptFloors) {
      floors_[i_trace].assign(size, std::numeric_limits<Scalar>::quiet_NaN());
      n_floor_ += size;
    }
  }
}

template <typename Scalar>
std::vector<double> RouteDivergence<Scalar>::add(const std::vector<int64_t>& batch,
                                                 const std::vector<DivergenceTask<Scalar>>& tasks) {
  make_room(batch);
  const std::vector<int64_t> lengths = trace_batch<Scalar>(set_, batch).lengths;
  const int64_t n_part = std::ssize(parts_);
  const std::vector<nn::SequenceRange> ranges = nn::split_by_tokens(lengths, n_part);
  const int64_t size = set_.n_layer * set_.n_expert;
  run_parts(n_part, [&](int64_t i_part) {
    Part& part = parts_[i_part];
    part.sums.assign(tasks.size(), 0.0);
    part.d_steers.assign(tasks.size(), std::vector<Scalar>(size, Scalar(0)));
    for (int64_t i = ranges[i_part].begin; i < ranges[i_part].end; ++i) {
      run_trace(batch[i], tasks, part);
    }
  });
  const int64_t n_token = std::accumulate(lengths.begin(), lengths.end(), int64_t{0});
  const double share = 1.0 / to_double(n_token * set_.n_layer);
  std::vector<double> result(tasks.size(), 0.0);
  for (const Part& part : parts_) {
    for (size_t i = 0; i < tasks.size(); ++i) {
      result[i] += part.sums[i] * share;
      nn::add_scaled(to_scalar<Scalar>(tasks[i].weight * share),
                     part.d_steers[i].data(),
                     size,
                     tasks[i].d_steer);
    }
  }
  return result;
}

double top_k_flips(const TraceSet& set,
                   const std::vector<int64_t>& traces,
                   const std::vector<float>& steer,
                   const std::vector<float>& layer_sigma) {
  const int64_t k = set.n_expert_used;
  if (k < 1 || k > set.n_expert || traces.empty()) {
    return 0.0;
  }
  std::vector<float> z(set.n_layer * set.n_expert);
  int64_t n_flip = 0;
  int64_t n_row = 0;
  for (int64_t i_trace : traces) {
    for (int64_t i_token = 0; i_token < set.traces[i_trace].n_token; ++i_token) {
      read_token<float>(set, i_trace, i_token, z.data());
      for (int64_t i_layer = 0; i_layer < set.n_layer; ++i_layer, ++n_row) {
        float* y = z.data() + i_layer * set.n_expert;
        const float spread = std::sqrt(nn::centre_row(y, set.n_expert).variance);
        const float sigma = layer_sigma.empty() ? spread : layer_sigma[i_layer];
        n_flip += flips_of_row(y, steer.data() + i_layer * set.n_expert, sigma, set.n_expert, k);
      }
    }
    release_trace(set, i_trace);
  }
  return ratio(n_flip, n_row * k);
}

template class RouteDivergence<float>;
template class RouteDivergence<double>;

}  // namespace mascing
