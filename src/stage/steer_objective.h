// Objective of the steering optimisation on one batch of traces, and its gradient with respect to
// S:
//   L(S) = mean over conversations of BCE(surrogate(z + sigma S), target)
// sigma is that of the unsteered z, per token or a constant per layer: no gradient flows through
// it.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "mascing/mask.h"
#include "mascing/surrogate.h"
#include "mascing/trace_set.h"
#include "nn/steer_pass.h"

namespace mascing {

template <typename Scalar>
class SteerObjective {
 public:
  /// Surrogates of one shape. `set` must outlive it. With an empty `layer_sigma` each token's own
  /// spread is used, else the given constants [L].
  SteerObjective(const std::vector<Surrogate>& surrogates,
                 const TraceSet& set,
                 std::vector<float> layer_sigma,
                 int64_t n_thread);
  SteerObjective(const SteerObjective&) = delete;  // the passes refer to the weights
  SteerObjective& operator=(const SteerObjective&) = delete;

  /// Caches what does not depend on S for these traces, up to a memory limit. Results are the same
  /// with and without.
  void keep(const std::vector<int64_t>& traces);

  /// L of every task on the traces of `batch`. If `d_steers` is given, adds the gradients to its
  /// entries, [L, E] each. `offsets`, one for each trace of the batch, are added to the surrogate's
  /// logits.
  std::vector<double> losses(const std::vector<int64_t>& batch,
                             const std::vector<nn::SteerTask<Scalar>>& tasks,
                             const std::vector<Scalar*>& d_steers = {},
                             const std::vector<float>& offsets = {});

 private:
  const TraceSet& set_;
  std::vector<float> layer_sigma_;  // [L] or empty
  std::vector<std::vector<Scalar>> values_;
  std::vector<std::unique_ptr<nn::PreparedWeights<Scalar>>> weights_;
  std::vector<nn::SteerPass<Scalar>> passes_;                    // per thread
  std::vector<std::unique_ptr<nn::SequenceBase<Scalar>>> kept_;  // per trace
};

}  // namespace mascing
