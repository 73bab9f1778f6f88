// What the steering matrix is optimised for, on one batch, and its gradient by S:
//   L(S) = mean over conversations of BCE(surrogate(z + sigma S), target)
//   D(S) = mean over tokens and layers of KL(softmax(z) || softmax(z + sigma S))
// sigma is that of the unsteered z, per token or a constant per layer: no gradient flows through
// it.
#pragma once

#include <cstdint>
#include <vector>

#include "mascing/mask.h"
#include "mascing/trace_set.h"
#include "mascing/train.h"
#include "nn/batch_runner.h"

namespace mascing {

template <typename Scalar>
class SteerObjective {
 public:
  /// `set` must outlive it. `layer_sigma` [L] is used with kCalibrated and kBatch; with kToken the
  /// spreads of the tokens of `traces`, the only ones that batches may then hold, are worked out
  /// here.
  SteerObjective(const Surrogate& surrogate, const TraceSet& set, int64_t n_thread);
  void use_token_sigma(const std::vector<int64_t>& traces);
  void use_layer_sigma(const std::vector<float>& layer_sigma);

  /// L on the traces of `batch` for S = `steer` [L, E]; adds its gradient to d_steer [L, E].
  double surrogate_loss(const std::vector<int64_t>& batch,
                        int target,
                        const std::vector<Scalar>& steer,
                        std::vector<Scalar>& d_steer);

  /// D likewise; adds `weight` times its gradient.
  double divergence(const std::vector<int64_t>& batch,
                    double weight,
                    const std::vector<Scalar>& steer,
                    std::vector<Scalar>& d_steer);

 private:
  /// Spread of one token's layers. [L]
  [[nodiscard]] const float* sigma_of(int64_t i_trace, int64_t i_token) const;
  /// One thread's share of `divergence`: sum over the tokens and layers of a trace.
  double trace_divergence(int64_t i_trace,
                          const std::vector<Scalar>& steer,
                          std::vector<Scalar>& d_steer) const;
  void add_parts(Scalar weight, std::vector<Scalar>& d_steer) const;

  const TraceSet& set_;
  nn::BatchRunner<Scalar> runner_;
  std::vector<float> layer_sigma_;               // [L], empty with kToken
  std::vector<std::vector<float>> token_sigma_;  // per trace [T, L], empty where it is not used
  std::vector<std::vector<Scalar>> d_parts_;     // per thread [L, E]
  std::vector<Scalar> labels_;
};

}  // namespace mascing
