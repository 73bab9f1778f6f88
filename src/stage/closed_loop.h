// Finds a steering matrix by measurements on the model. The gradient of every objective is either
// exact, from a reverse pass, or estimated: random masks +e and -e around the current S, one
// conversation per pair, and ridge regression. S follows it within limits on side effects.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "mascing/mask.h"
#include "mascing/progress.h"
#include "mascing/search_result.h"
#include "stage/loop_objective.h"
#include "stage/outcome.h"
#include "stage/outcome_gradient.h"
#include "stage/perturbation.h"

namespace mascing {

/// Steps whose mean is the result. With fewer steps left a loop does not look at replies.
inline constexpr int64_t kLoopStretch = 6;

/// What replies under the mask so far showed.
struct LoopLook {
  bool has_new_openings = false;  ///< the gain set is asked otherwise from now on
  /// Of every set, as `loop_violation`; NaN where replies say nothing. Empty: nowhere.
  std::vector<double> violation = {};
  std::map<std::string, SeenReplies> sets = {};  ///< passed on to the result
  /// By how much the wanted share of the gain set's replies rose; NaN: not known.
  double gain = std::numeric_limits<double>::quiet_NaN();
};

struct ClosedLoopOptions {
  uint64_t seed = 0;
  int64_t n_step = 60;
  int64_t n_pair = 0;         ///< pairs of masks per step, over all sets; 0 = 4 per free entry, at
                              ///< least 128, at most 1,024
  int64_t n_item = 0;         ///< exact gradients per step, over all sets; 0 = 48
  std::vector<double> unit;   ///< [d] sigmas that count as 1 in what follows; empty: all 1
  double perturbation = 0.4;  ///< size of the entries of e, in units
  double step = 0.4;          ///< Euclidean length of the first step; the last is a tenth of it
  double memory = 0.8;        ///< weight of the steps before in the running regression
  double boost_cap =
      3.0;            ///< upper bound of an entry in sigmas; boosts break models sooner than bans
  double l1 = 0.005;  ///< soft threshold per length of the step; twice that above 0
  double enough = 0.97;  ///< smoothed wanted share of the gain set at which it may stop
  /// Called before every step whose number (from 0) is a positive multiple of `n_look`, unless few
  /// steps would be left, and before the loop ends early, with the values of the mask so far; may
  /// change the openings of the gain set. n_look 0: never.
  std::function<LoopLook(const std::vector<float>&)> look = {};
  int64_t n_look = 0;
  std::function<bool()> is_spent =
      {};  ///< true: stop and return the result so far; checked before each step
  Progress progress = {};
};

/// The state after one step. Values are running means over what was measured at S itself.
struct LoopStep {
  double norm = 0.0;               ///< |S|
  std::vector<double> value;       ///< per set: mean of loop_value
  std::vector<double> multiplier;  ///< per set: weight of its limit
  /// `violation` of the last look plus what margins have changed since; empty before the first.
  std::vector<double> seen = {};
};

struct ClosedLoopResult {
  std::vector<float> steer;  ///< values of the mask: mean over the best stretch of steps
  /// The mean over as many steps around the look that saw the best replies; empty if no look saw a
  /// gain, and if the loop ended because a look found it good enough.
  std::vector<float> looked = {};
  std::vector<LoopStep> steps;
  std::vector<LoopLookResult> looks;
  int64_t i_best = 0;     ///< last step of that stretch
  int64_t n_stretch = 0;  ///< its number of steps
  int64_t n_question = 0;
  bool is_cut = false;  ///< by the budget
};

/// Starts from the entries of `start`, a mask for the model with sigma rule and sigma filled in.
/// Minimises the mean of softplus(-m) over the one set with role kGain, with multipliers on the
/// limits of the others, which count as exceeded by what is measured or by what the last look saw,
/// whichever is more. Sets that weigh more in a step, or whose losses scatter more, are asked
/// more often.
[[nodiscard]] ClosedLoopResult close_loop(const Mask& start,
                                          const FreeEntries& entries,
                                          const std::vector<OutcomeSet>& sets,
                                          const std::vector<LoopSet>& roles,
                                          const AskModel& ask,
                                          const ClosedLoopOptions& options);

/// The same on exact gradients: one question is one conversation at S, differentiated.
[[nodiscard]] ClosedLoopResult close_loop_exactly(const Mask& start,
                                                  const FreeEntries& entries,
                                                  const std::vector<OutcomeSet>& sets,
                                                  const std::vector<LoopSet>& roles,
                                                  const AskGradients& ask,
                                                  const ClosedLoopOptions& options);

}  // namespace mascing
