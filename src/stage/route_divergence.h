// Change of routing by a steering matrix on traces that should be preserved:
//   D(S) = mean over tokens and layers of KL(p || q),  p = softmax(z),  q = softmax(z + sigma S),
// both restricted to the experts that can enter the top-k: those whose logit lies at most
// `reach` * sigma below the k-th largest. Experts below that cannot be selected with entries of S
// smaller than `reach`, so their logits have no effect. The set does not depend on S, so D is
// smooth.
#pragma once

#include <cstdint>
#include <vector>

#include "mascing/trace_set.h"

namespace mascing {

/// One matrix whose divergence is wanted.
template <typename Scalar>
struct DivergenceTask {
  const Scalar* steer = nullptr;  ///< [L, E]
  double weight = 0.0;            ///< of the gradient
  Scalar* d_steer = nullptr;      ///< [L, E], added to
};

template <typename Scalar>
class RouteDivergence {
 public:
  /// `set` must outlive it. A reach of 0, and traces that do not say how many experts are used,
  /// mean all experts. `layer_sigma` as for SteerObjective.
  RouteDivergence(const TraceSet& set,
                  double reach,
                  std::vector<float> layer_sigma,
                  int64_t n_thread);

  /// D of every task on the traces of `batch`, in nats per token and layer; adds `weight` times the
  /// gradients.
  std::vector<double> add(const std::vector<int64_t>& batch,
                          const std::vector<DivergenceTask<Scalar>>& tasks);

 private:
  struct Part {
    std::vector<double> sums;                   // per task
    std::vector<std::vector<Scalar>> d_steers;  // per task [L, E]
  };
  void run_trace(int64_t i_trace, const std::vector<DivergenceTask<Scalar>>& tasks, Part& part);
  /// Allocates the floors of these traces, up to a memory limit.
  void make_room(const std::vector<int64_t>& batch);
  /// Probabilities of one layer's experts from y = z - mean(z), in place; 0 for those out of reach.
  void to_probabilities(Scalar* y, Scalar floor) const;
  /// The smallest y that still counts.
  [[nodiscard]] Scalar floor_of(const Scalar* y, Scalar sigma) const;
  [[nodiscard]] bool is_restricted() const;

  const TraceSet& set_;
  double reach_;
  std::vector<float> layer_sigma_;
  std::vector<Part> parts_;                  // per thread
  std::vector<std::vector<Scalar>> floors_;  // per trace [T, L], NaN until they are known
  int64_t n_floor_ = 0;
};

/// Share of the top-k choices on these traces that S changes at alpha 1: mean over
/// tokens and layers, in [0, 1]. 0 if the traces do not say how many experts are used.
[[nodiscard]] double top_k_flips(const TraceSet& set,
                                 const std::vector<int64_t>& traces,
                                 const std::vector<float>& steer,
                                 const std::vector<float>& layer_sigma);

}  // namespace mascing
