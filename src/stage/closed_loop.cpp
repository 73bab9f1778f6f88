// Multipliers on the limits, steps of falling length down the weighted sum of the gradients, and
// the mean over the best stretch of them.
#include "stage/closed_loop.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <optional>
#include <utility>

#include "base/numeric.h"
#include "base/text.h"
#include "stage/budget_spent.h"
#include "stage/loop_plan.h"
#include "stage/loop_slopes.h"

namespace mascing {
namespace {

constexpr double kMultiplierRate = 0.2;  // of the logarithm, per step and unit of violation
constexpr double kFirstMultiplier = 0.1;
constexpr double kLeastMultiplier = 0.01;
constexpr double kMostMultiplier = 20.0;
constexpr double kNearLimit = 0.2;       // violation at which the loop may stop
constexpr double kViolationCost = 0.25;  // of a limit exceeded by its own size, in wanted share

/// What one step hands on to the next.
struct LoopState {
  std::vector<float> s;             ///< [d] in sigmas
  std::vector<double> multipliers;  ///< of each set
};

LoopState first_state(const LoopPlan& plan) {
  LoopState state;
  for (const int64_t entry : plan.entries) {
    state.s.push_back(plan.start.values()[entry]);
  }
  state.multipliers.assign(plan.n_set, kFirstMultiplier);
  state.multipliers[plan.i_gain] = 1.0;
  return state;
}

/// By how much a limit is exceeded, in what was measured or in replies, whichever shows more.
double violation_of(const LoopPlan& plan, const LoopStep& step, int64_t i_set) {
  const double measured = loop_violation(plan.roles[i_set], step.value[i_set]);
  return step.seen.empty() ? measured : std::fmax(measured, step.seen[i_set]);
}

/// Raises the weight of an exceeded limit, and lowers the weight of the gain once it is large
/// enough.
std::vector<double> adjusted(std::vector<double> multipliers,
                             const LoopPlan& plan,
                             const LoopStep& step) {
  for (int64_t i = 0; i < plan.n_set; ++i) {
    const bool is_gain = i == plan.i_gain;
    const double gain_push = step.value[plan.i_gain] >= plan.options.enough ? -1.0 : 1.0;
    const double push = is_gain ? gain_push : std::clamp(violation_of(plan, step, i), -1.0, 1.0);
    multipliers[i] = std::clamp(multipliers[i] * std::exp(kMultiplierRate * push),
                                kLeastMultiplier,
                                is_gain ? 1.0 : kMostMultiplier);
  }
  return multipliers;
}

std::vector<double> mean_values(const LoopPlan& plan, const LoopSlopes& slopes) {
  std::vector<double> values;
  for (int64_t i = 0; i < plan.n_set; ++i) {
    values.push_back(slopes.mean_value(i));
  }
  return values;
}

double loop_norm(const std::vector<float>& s) {
  return Eigen::Map<const Eigen::VectorXf>(s.data(), std::ssize(s)).norm();
}

/// The gain is large enough, and no limit is exceeded by much, as measured: a look has the last
/// word.
bool is_enough(const LoopPlan& plan, const LoopStep& step) {
  bool enough = step.value[plan.i_gain] >= plan.options.enough;
  for (int64_t i = 0; i < plan.n_set; ++i) {
    enough =
        enough && (i == plan.i_gain || loop_violation(plan.roles[i], step.value[i]) <= kNearLimit);
  }
  return enough;
}

/// Of the sum of all losses, each weighed by its multiplier, per unit of each entry.
Eigen::VectorXd total_gradient(const LoopPlan& plan,
                               const std::vector<double>& multipliers,
                               const LoopSlopes& slopes) {
  Eigen::VectorXd g = Eigen::VectorXd::Zero(plan.d);
  for (int64_t k = 0; k < plan.n_set; ++k) {
    g += multipliers[k] * slopes.gradient(k);
  }
  return g;
}

/// S after step `i_step` down the gradient `g`.
std::vector<float> stepped(std::vector<float> s,
                           const LoopPlan& plan,
                           const Eigen::VectorXd& g,
                           int64_t i_step) {
  const ClosedLoopOptions& options = plan.options;
  const double done = ratio(i_step, options.n_step);
  const double length = options.step * (0.55 + 0.45 * std::cos(done * std::numbers::pi));
  const double scale = g.norm() > 0.0 ? length / g.norm() : 0.0;
  const double shrink = options.l1 * length;
  for (int64_t j = 0; j < plan.d; ++j) {
    const double moved = s[j] - scale * plan.unit[j] * g[j];
    const double entry = soft_threshold(moved, shrink * plan.unit[j]);
    s[j] = to_float(std::min(entry, options.boost_cap));
  }
  return s;
}

/// Wanted share of the gain set minus the violations of the limits of the other sets.
double merit(const LoopPlan& plan, const LoopStep& step) {
  double merit = step.value[plan.i_gain];
  for (int64_t i = 0; i < plan.n_set; ++i) {
    if (i != plan.i_gain) {
      merit -= kViolationCost * std::max(0.0, violation_of(plan, step, i));
    }
  }
  return merit;
}

/// Last of the `n_stretch` successive steps with the highest mean merit; the latest of equals. The
/// first half of the steps is left out where the rest has enough of them: its values are means over
/// few answers, and the best of many such is an accident. So are the steps before `i_first`, whose
/// values are of other openings.
int64_t best_stretch(const LoopPlan& plan,
                     const std::vector<LoopStep>& steps,
                     int64_t i_first,
                     int64_t n_stretch) {
  int64_t i_best = 0;
  double best = -1e300;
  const int64_t n_step = std::ssize(steps);
  const int64_t late = n_step < 2 * n_stretch ? n_stretch : n_step / 2 + n_stretch;
  const int64_t first = std::min(n_step, std::max(late, i_first + n_stretch));
  for (int64_t end = first; n_stretch > 0 && end <= n_step; ++end) {
    double sum = 0.0;
    for (int64_t i = end - n_stretch; i < end; ++i) {
      sum += merit(plan, steps[i]);
    }
    if (sum >= best) {
      best = sum;
      i_best = end - 1;
    }
  }
  return i_best;
}

/// The start with its free entries replaced by their mean over steps i_last - n + 1 .. i_last.
std::vector<float> mean_steer(const LoopPlan& plan,
                              const std::vector<std::vector<float>>& path,
                              int64_t i_last,
                              int64_t n) {
  std::vector<float> steer = plan.start.values();
  for (int64_t j = 0; n > 0 && j < plan.d; ++j) {
    double sum = 0.0;
    for (int64_t i = 0; i < n; ++i) {
      sum += path[i_last - i][j];
    }
    steer[plan.entries[j]] = to_float(sum / to_double(n));
  }
  return steer;
}

std::string describe_loop(const LoopPlan& plan, const std::vector<LoopStep>& steps) {
  return steps.empty() ? ""
                       : plan.sets[plan.i_gain].name + " about " +
                             format_percent(steps.back().value[plan.i_gain]);
}

/// Looks at replies, where this is due before step `i_step` or before the loop ends because it has
/// reached `enough`.
std::optional<LoopLook> look(const LoopPlan& plan,
                             const LoopState& state,
                             int64_t i_step,
                             bool at_end) {
  const ClosedLoopOptions& options = plan.options;
  if (!options.look || options.n_look <= 0 || options.n_step - i_step < kLoopStretch) {
    return std::nullopt;
  }
  const bool is_due = i_step > 0 && i_step % options.n_look == 0;
  return is_due || at_end ? std::optional(options.look(mean_steer(plan, {state.s}, 0, 1)))
                          : std::nullopt;
}

/// The steps so far.
struct LoopPath {
  ClosedLoopResult result;
  double best_look = 0.0;             ///< best merit that a look saw
  int64_t i_best_look = 0;            ///< the step behind that look
  std::vector<std::vector<float>> s;  ///< of every step
  int64_t i_first = 0;                ///< first step with the openings of now
  int64_t n_enough = 0;               ///< last steps that were good enough
  std::vector<double> seen;           ///< `violation` of the last look
  std::vector<double> unseen;         ///< by how much that exceeded what margins said then
};

bool is_kept(const std::vector<double>& violation) {
  return std::none_of(
      violation.begin(), violation.end(), [](double of_set) { return of_set > kNearLimit; });
}

/// As `loop_violation`; NaN for the gain set, which has no limit.
double by_margins(const LoopPlan& plan, const std::vector<double>& value, size_t i_set) {
  return std::cmp_equal(i_set, plan.i_gain) ? std::nan("")
                                            : loop_violation(plan.roles[i_set], value[i_set]);
}

/// What a look saw is true of the mask that the last steps lead to, too.
void note_look(const LoopPlan& plan, std::vector<double> violation, LoopPath& path) {
  path.seen = std::move(violation);
  std::vector<LoopStep>& steps = path.result.steps;
  path.unseen = path.seen;
  for (size_t i = 0; i < path.unseen.size() && !steps.empty(); ++i) {
    path.unseen[i] -= by_margins(plan, steps.back().value, i);
  }
  const auto n = std::min(kLoopStretch, std::ssize(steps));
  std::for_each(steps.end() - n, steps.end(), [&](LoopStep& step) { step.seen = path.seen; });
}

/// Margins may go on rising while replies get worse, so the best replies are noted.
void note_best(const LoopPlan& plan, const LoopLook& look, LoopPath& path) {
  if (path.result.steps.empty()) {
    return;
  }
  LoopStep seen = path.result.steps.back();
  seen.value[plan.i_gain] = look.gain;
  seen.seen = look.violation;
  const double merit_of_look = merit(plan, seen);
  if (merit_of_look > path.best_look) {
    path.best_look = merit_of_look;
    path.i_best_look = std::ssize(path.s);
  }
}

/// The mean over the steps around the look that saw the best replies: a single step fits its
/// minibatch, too.
std::vector<float> best_looked(const LoopPlan& plan, const LoopPath& path) {
  const int64_t n = path.result.n_stretch;
  const int64_t last = std::min(path.i_best_look + n / 2, std::ssize(path.s)) - 1;
  return path.best_look > 0.0 && last >= n - 1 ? mean_steer(plan, path.s, last, n)
                                               : std::vector<float>();
}

/// Looks at replies where this is due. True if the loop is at its end: it was good enough, and
/// replies, if they could be looked at, do not say otherwise.
bool is_at_end(const LoopPlan& plan, LoopSlopes& slopes, const LoopState& state, LoopPath& path) {
  const auto i = std::ssize(path.s);
  const bool is_enough_now = path.n_enough >= kLoopStretch;
  std::optional<LoopLook> now = look(plan, state, i, is_enough_now);
  if (!now) {
    return is_enough_now && is_kept(path.seen);
  }
  note_best(plan, *now, path);
  note_look(plan, std::move(now->violation), path);
  path.result.looks.push_back({i, std::move(now->sets)});
  if (now->has_new_openings) {
    slopes.forget(plan.i_gain);
    path.i_first = i;
  }
  const bool is_fine = is_kept(path.seen) && !now->has_new_openings;
  path.n_enough = is_fine ? path.n_enough : 0;
  return is_enough_now && is_fine;
}

/// What the last look would see now, if it saw as much beyond the margins as then: margins tell at
/// every step whether the mask is on its way back. Otherwise it would go too far until the next
/// look.
std::vector<double> seen_by_now(const LoopPlan& plan,
                                const LoopPath& path,
                                const std::vector<double>& value) {
  std::vector<double> seen = path.unseen;
  for (size_t i = 0; i < seen.size(); ++i) {
    seen[i] += by_margins(plan, value, i);
  }
  return seen;
}

void take_step(const LoopPlan& plan, LoopSlopes& slopes, LoopState& state, LoopPath& path) {
  const auto i = std::ssize(path.s);
  slopes.measure(state.s, state.multipliers);
  LoopStep step = {loop_norm(state.s), mean_values(plan, slopes), {}, {}};
  step.seen = seen_by_now(plan, path, step.value);
  state.multipliers = adjusted(std::move(state.multipliers), plan, step);
  step.multiplier = state.multipliers;
  path.n_enough = is_enough(plan, step) ? path.n_enough + 1 : 0;
  path.result.steps.push_back(std::move(step));
  path.s.push_back(state.s);
  state.s = stepped(std::move(state.s), plan, total_gradient(plan, state.multipliers, slopes), i);
}

ClosedLoopResult run_loop(const LoopPlan& plan, LoopSlopes& slopes) {
  const ClosedLoopOptions& options = plan.options;
  LoopState state = first_state(plan);
  LoopPath path;
  ClosedLoopResult& result = path.result;
  bool is_approved = false;
  try {
    while (std::ssize(path.s) < options.n_step) {
      if (options.is_spent && options.is_spent()) {
        throw BudgetSpent();
      }
      report(options.progress,
             {"closed loop",
              std::ssize(path.s),
              options.n_step,
              "steps",
              describe_loop(plan, result.steps)});
      is_approved = is_at_end(plan, slopes, state, path);
      if (is_approved) {
        break;
      }
      take_step(plan, slopes, state, path);
    }
  } catch (const BudgetSpent&) {  // what was found so far stands
    result.is_cut = true;
  }
  result.n_question = slopes.n_question();
  result.n_stretch = std::min<int64_t>(kLoopStretch, std::ssize(path.s));
  result.i_best = best_stretch(plan, result.steps, path.i_first, result.n_stretch);
  result.steer = mean_steer(plan, path.s, result.i_best, result.n_stretch);
  const bool is_looked_at =
      !result.looks.empty() && result.looks.back().n_step == std::ssize(path.s);
  if (!is_approved || !is_looked_at) {
    result.looked = best_looked(plan, path);
  }
  return std::move(result);
}

}  // namespace

ClosedLoopResult close_loop(const Mask& start,
                            const FreeEntries& entries,
                            const std::vector<OutcomeSet>& sets,
                            const std::vector<LoopSet>& roles,
                            const AskModel& ask,
                            const ClosedLoopOptions& options) {
  const LoopPlan plan = plan_loop(start, entries, sets, roles, options);
  return run_loop(plan, *slopes_from_pairs(plan, ask));
}

ClosedLoopResult close_loop_exactly(const Mask& start,
                                    const FreeEntries& entries,
                                    const std::vector<OutcomeSet>& sets,
                                    const std::vector<LoopSet>& roles,
                                    const AskGradients& ask,
                                    const ClosedLoopOptions& options) {
  const LoopPlan plan = plan_loop(start, entries, sets, roles, options);
  return run_loop(plan, *exact_slopes(plan, ask));
}

}  // namespace mascing
