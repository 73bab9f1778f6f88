// Stage "steer": optimises a steering matrix through the frozen surrogate; also the difference of
// class means as a baseline.
#pragma once

#include <cstdint>
#include <vector>

#include "mascing/mask.h"
#include "mascing/progress.h"
#include "mascing/surrogate.h"
#include "mascing/trace_set.h"

namespace mascing {

/// How the L1 term is handled.
enum class SteerOptimizer {
  kPaper,     ///< adds the subgradient lambda sign(S) to Adam's gradient; entries hover around 0
  kProximal,  ///< soft threshold after each Adam step; unneeded entries are exactly 0
};

struct SteerOptions {
  int target = 0;               ///< class to steer towards, on the traces of the other class
  double lambda = 1e-3;         ///< weight of |S|_1
  double learning_rate = 0.05;  ///< Adam
  int64_t n_epoch = 40;         ///< passes over the traces
  int64_t n_batch = 512;        ///< conversations per step
  double threshold = 0.1;       ///< entries with |S| <= threshold become zero
  SigmaRule sigma_rule =
      SigmaRule::kToken;  ///< kToken and kCalibrated are optimised exactly as applied
  double preserve =
      0.0;  ///< weight of mean KL(softmax(z) || softmax(z + sigma S)) on the `preserve` traces
  uint64_t seed = 0;  ///< for the order of batches, if there is more than one
  int64_t n_thread = 1;
  SteerOptimizer optimizer = SteerOptimizer::kPaper;
  double preserve_reach = 2.0;  ///< the KL is over the experts at most this many sigma below the
                                ///< k-th largest logit, the ones that can enter the top-k; 0 = all
  double validation_share = 0.0;  ///< share of the target traces held out, by topic
  int64_t n_patience = 0;  ///< epochs without a better validation loss before stopping; the best
                           ///< S is kept. 0 = never stop early
};

/// Traces used by the optimisation, as indices into TraceSet::traces.
struct SteerTraces {
  std::vector<int64_t> target;  ///< traces of the class to move away from (label 1 - target)
  std::vector<int64_t>
      preserve;  ///< traces whose routing is preserved: benign, hold and keep sets; may be empty
};

struct SteerEpoch {
  double loss = 0.0;             ///< mean binary cross-entropy towards the target class
  double preserve = 0.0;         ///< mean KL on the preserve traces, nats per token and layer
  double l1 = 0.0;               ///< |S|_1
  double validation_loss = 0.0;  ///< `loss` on held-out traces; 0 if there are none
  int64_t n_active = 0;          ///< non-zero entries before the threshold
};

struct SteerResult {
  std::vector<float> steer;  ///< S after the threshold, [L, E]
  std::vector<float> sigma;  ///< [L] calibrated spread over all traces used
  std::vector<SteerEpoch> epochs;
  int64_t best_epoch = 0;  ///< index into `epochs` of the returned S
  double flips = 0.0;      ///< share of top-k choices on the preserve traces that `steer` changes
                       ///< at alpha 1; 0 if there are none or the number of experts used is unknown
};

/// One of several optimisations that share passes over the traces.
struct SteerCell {
  int64_t i_surrogate = 0;  ///< index into the list of surrogates
  SteerOptions options;
};

/// Mean over tokens of the standard deviation over the E logits, per layer, over the given traces:
/// the calibrated sigma of a mask. [L]
[[nodiscard]] std::vector<float> calibrate_sigma(const TraceSet& set,
                                                 const std::vector<int64_t>& traces);

/// For each cell, minimises BCE(surrogate(z + sigma_l S), target) + lambda |S|_1 + preserve * KL
/// over S (method.md, step 4), from S = 0. The surrogates must have the same shape; options may
/// differ. Cells with the same target, batches and sigma share reads, statistics and projections.
/// Cells that differ only in n_epoch share one run. `traces.target` may contain both classes; a
/// cell uses the traces whose label is not its target. Results are in the order of the cells, with
/// the same bytes as if each were optimised alone. n_thread is taken from the first
/// cell. Throws Error{kInsufficient} if no target trace is given, Error{kMismatch} if surrogate
/// and traces disagree about layers or experts, Error{kBadInput} on a NaN or infinite logit,
/// Error{kUsage} on invalid options.
[[nodiscard]] std::vector<SteerResult> optimise_steering_grid(
    const std::vector<Surrogate>& surrogates,
    const TraceSet& set,
    const SteerTraces& traces,
    const std::vector<SteerCell>& cells,
    const Progress& progress = {});

/// Baseline without training: mean router logits of the target class minus those of the other,
/// divided by the layer's sigma, scaled to Euclidean norm `norm`. Threshold as above.
[[nodiscard]] SteerResult mean_difference(const TraceSet& set,
                                          int target,
                                          double norm,
                                          double threshold);

}  // namespace mascing
