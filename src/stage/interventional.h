// A surrogate that has seen interventions: it reads the unsteered routing of a conversation with a
// random mask added, z + sigma (S + e) and z + sigma (S - e), and learns by how much the model's
// own answers to the two differ. Routing that only correlates with the behaviour does not enter
// that difference, so the gradient by S is a causal one. A few rounds: query around S, train, move
// S within the range of the perturbations, repeat.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "mascing/mask.h"
#include "mascing/progress.h"
#include "mascing/trace_set.h"
#include "mascing/train.h"
#include "stage/closed_loop.h"
#include "stage/outcome.h"
#include "stage/perturbation.h"

namespace mascing {

/// A conversation to measure, and its unsteered trace.
struct TracedItem {
  int64_t i_set = 0;  ///< set with a margin
  int64_t i_item = 0;
  int64_t i_trace = 0;  ///< index into TraceSet::traces
};

/// The measured sets.
struct TracedObjectives {
  std::vector<LoopSet> roles;     ///< of all sets
  std::vector<TracedItem> items;  ///< of sets with a margin, the one with role kGain among them
  TraceSet traces;
};

struct InterventionalOptions {
  uint64_t seed = 0;
  int64_t n_thread = 1;
  int64_t n_round = 10;
  int64_t n_pair = 0;  ///< of masks in a round; 0 = 4 per free entry, at least 128, at most 1,024
  double perturbation = 0.4;  ///< of each entry, in sigma
  double radius = 1.5;        ///< maximum Euclidean move per round, smaller with few measurements
  double boost_cap = 3.0;     ///< of an entry
  double enough = 0.95;       ///< stop at this probability of wanted openings
  double l1 = 0.03;           ///< soft threshold per unit of length; twice that above 0
  TrainOptions train = {.n_epoch = 15, .n_batch = 64, .learning_rate = 0.003};  ///< of each round
  std::function<bool()> is_spent =
      {};  ///< true: stop and return the result so far; checked before each round
  Progress progress = {};
};

struct InterventionalRound {
  double norm = 0.0;   ///< |S| of the measured mask
  double value = 0.0;  ///< mean probability of wanted openings in target conversations near S
  /// Correlation between predicted and measured differences of +e vs. -e in target pairs not yet
  /// used for training (taken about 0, since signs are symmetric); 0 in the first round.
  double correlation = 0.0;
};

struct InterventionalResult {
  std::vector<float> steer;  ///< [L, E]
  std::vector<InterventionalRound> rounds;
  int64_t n_question = 0;
  bool is_cut = false;  ///< by the budget
};

/// `start` as in close_loop. Half the pairs are of the set with role kGain. Minimises the mean of
/// softplus(t - m) over all sets, t = LoopSet::margin, through the surrogate. Throws
/// Error{kInsufficient} without items of the target, or if no measurement succeeded.
[[nodiscard]] InterventionalResult steer_by_interventions(const Mask& start,
                                                          const FreeEntries& entries,
                                                          const TracedObjectives& objectives,
                                                          const AskModel& ask,
                                                          const InterventionalOptions& options);

}  // namespace mascing
