// Stage "steer": optimises a steering matrix through the frozen surrogate, and its plain baseline.
#pragma once

#include <cstdint>
#include <vector>

#include "mascing/mask.h"
#include "mascing/progress.h"
#include "mascing/trace_set.h"
#include "mascing/train.h"

namespace mascing {

struct SteerOptions {
  int target = 0;        ///< class the surrogate is steered to, on the traces of the other class
  double lambda = 1e-3;  ///< weight of |S|_1
  double learning_rate = 0.05;  ///< Adam
  int64_t n_epoch = 40;         ///< passes over the traces
  int64_t n_batch = 512;        ///< conversations per step
  double threshold = 0.1;       ///< entries with |S| <= threshold become zero
  SigmaRule sigma_rule =
      SigmaRule::kToken;  ///< kToken and kCalibrated are optimised as they are applied
  double preserve =
      0.0;  ///< weight of mean KL(softmax(z) || softmax(z + sigma S)) on the `preserve` traces
  uint64_t seed = 0;  ///< order of batches
  int64_t n_thread = 1;
};

/// Traces that the optimisation reads, as indices into TraceSet::traces.
struct SteerTraces {
  std::vector<int64_t> target;  ///< traces of the class to leave (label 1 - target)
  std::vector<int64_t>
      preserve;  ///< traces whose routing should stay: benign, hold and keep sets; may be empty
};

struct SteerEpoch {
  double loss = 0.0;      ///< mean binary cross-entropy towards the target class
  double preserve = 0.0;  ///< mean KL on the preserve traces, nats per token and layer
  double l1 = 0.0;        ///< |S|_1
};

struct SteerResult {
  std::vector<float> steer;  ///< S after the threshold, [L, E]
  std::vector<float> sigma;  ///< [L] calibrated spread over all traces that were read
  std::vector<SteerEpoch> epochs;
};

/// Mean over tokens of the standard deviation over the E logits, per layer, over the given traces:
/// the calibrated sigma of a mask. [L]
[[nodiscard]] std::vector<float> calibrate_sigma(const TraceSet& set,
                                                 const std::vector<int64_t>& traces);

/// Minimises BCE(surrogate(z + sigma_l S), target) + lambda |S|_1 + preserve * KL over S
/// (method.md, step 4), from S = 0. Throws Error{kInsufficient} if no target trace is given.
[[nodiscard]] SteerResult optimise_steering(const Surrogate& surrogate,
                                            const TraceSet& set,
                                            const SteerTraces& traces,
                                            const SteerOptions& options,
                                            const Progress& progress = {});

/// Baseline without any training: mean router logits of the target class minus those of the other,
/// divided by the layer's sigma, scaled to Euclidean norm `norm`. Threshold as above.
[[nodiscard]] SteerResult mean_difference(const TraceSet& set,
                                          int target,
                                          double norm,
                                          double threshold);

}  // namespace mascing
