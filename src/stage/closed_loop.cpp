// Uses one conversation per pair of masks. Gradients vary strongly between conversations (on the
// natural demo model a single gradient is 2.8 times as long as the mean), so for a fixed number of
// forward passes many pairs are better than many conversations per pair.
#include "stage/closed_loop.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

#include "base/numeric.h"
#include "base/random.h"
#include "base/text.h"
#include "stage/loop_regression.h"

namespace mascing {
namespace {

constexpr double kMultiplierRate = 0.2;  // of the logarithm, per step and unit of violation
constexpr double kFirstMultiplier = 0.1;
constexpr double kLeastMultiplier = 0.01;
constexpr double kMostMultiplier = 20.0;
constexpr double kRidge = 0.5;           // of the regression, in pairs per free entry
constexpr int64_t kCentreEvery = 3;      // pairs: one of their items is also measured at S itself
constexpr int64_t kStretch = 6;          // steps whose mean is the result
constexpr double kNearLimit = 0.2;       // violation at which the loop may stop
constexpr double kViolationCost = 0.25;  // of a limit exceeded by its own size, in wanted share
constexpr double kLeastPart = 0.5;       // of an even share of the pairs: so many each set gets

/// What stays the same over all steps.
struct LoopPlan {
  const Mask& start;
  const FreeEntries& entries;
  const std::vector<OutcomeSet>& sets;
  const std::vector<LoopSet>& roles;
  const ClosedLoopOptions& options;
  int64_t d = 0;  ///< free entries
  int64_t n_set = 0;
  int64_t n_pair = 0;             ///< of each step
  int64_t i_gain = 0;             ///< the set with role kGain
  std::vector<double> unit = {};  ///< [d]
};

/// What one step hands on to the next.
struct LoopState {
  std::vector<float> s;                     ///< [d] in sigmas
  std::vector<LoopRegression> regressions;  ///< of each set
  std::vector<double> multipliers;          ///< of each set
};

/// A perturbation of S and the item measured under both signs.
struct LoopPair {
  int64_t i_set = 0;
  int64_t i_item = 0;
  std::vector<float> e;  ///< in units
};

LoopPlan plan_loop(const Mask& start,
                   const FreeEntries& entries,
                   const std::vector<OutcomeSet>& sets,
                   const std::vector<LoopSet>& roles,
                   const ClosedLoopOptions& options) {
  LoopPlan plan = {start, entries, sets, roles, options};
  plan.d = std::ssize(entries);
  plan.n_set = std::ssize(sets);
  plan.n_pair = options.n_pair > 0 ? options.n_pair : std::clamp<int64_t>(4 * plan.d, 128, 1024);
  for (int64_t i = 0; i < plan.n_set; ++i) {
    if (roles[i].role == LoopRole::kGain) {
      plan.i_gain = i;
    }
  }
  plan.unit = options.unit;
  plan.unit.resize(entries.size(), 1.0);
  return plan;
}

LoopState first_state(const LoopPlan& plan) {
  LoopState state;
  for (const int64_t entry : plan.entries) {
    state.s.push_back(plan.start.steer[entry]);
  }
  state.regressions.assign(plan.n_set, LoopRegression(plan.d));
  state.multipliers.assign(plan.n_set, kFirstMultiplier);
  state.multipliers[plan.i_gain] = 1.0;
  return state;
}

/// Number of pairs of every set. The step follows sum multiplier_k g_k, and g_k's error falls with
/// scatter_k^2 / n_k: n_k in proportion to multiplier_k * scatter_k makes the error of the sum
/// least (Neyman's allocation). Before anything is known, the gain gets two parts.
std::vector<int64_t> allocate_pairs(const LoopPlan& plan, const LoopState& state, bool is_first) {
  std::vector<double> weight(plan.n_set, 1.0);
  weight[plan.i_gain] = 2.0;
  double sum = 0.0;
  for (int64_t i = 0; i < plan.n_set; ++i) {
    if (!is_first) {
      weight[i] = state.multipliers[i] * state.regressions[i].scatter();
    }
    sum += weight[i];
  }
  const double n = to_double(plan.n_pair);
  const double least = kLeastPart / to_double(plan.n_set);
  std::vector<int64_t> n_of_set;
  for (const double w : weight) {
    const double part = sum > 0.0 ? w / sum : 0.0;
    n_of_set.push_back(static_cast<int64_t>(n * (least + (1.0 - kLeastPart) * part)));
  }
  return n_of_set;
}

std::vector<LoopPair> draw_loop_pairs(const LoopPlan& plan,
                                      const std::vector<int64_t>& n_of_set,
                                      Rng& rng) {
  std::vector<LoopPair> pairs;
  for (int64_t i = 0; i < plan.n_set; ++i) {
    for (int64_t k = 0; k < n_of_set[i]; ++k) {
      const int64_t i_item = rng.below(plan.sets[i].size());
      pairs.push_back({i, i_item, draw_perturbation(rng, plan.d, plan.options.perturbation)});
    }
  }
  return pairs;
}

std::vector<float> in_sigmas(std::vector<float> e, const std::vector<double>& unit) {
  for (size_t j = 0; j < e.size(); ++j) {
    e[j] *= to_float(unit[j]);
  }
  return e;
}

/// Both signs of every pair, then some of the items at S itself.
std::vector<Question> loop_questions(const LoopPlan& plan,
                                     const std::vector<float>& s,
                                     const std::vector<LoopPair>& pairs) {
  std::vector<Question> questions;
  for (const LoopPair& pair : pairs) {
    const std::vector<float> e = in_sigmas(pair.e, plan.unit);
    for (const float sign : {1.0F, -1.0F}) {
      questions.push_back(
          {pair.i_set, pair.i_item, perturbed(plan.start, plan.entries, s, e, sign)});
    }
  }
  const Steering centre = perturbed(plan.start, plan.entries, s, {}, 0.0F);
  for (int64_t i = 0; i < std::ssize(pairs); i += kCentreEvery) {
    questions.push_back({pairs[i].i_set, pairs[i].i_item, centre});
  }
  return questions;
}

/// The regressions with the answers to `loop_questions` taken in; what was not answered is left
/// out.
std::vector<LoopRegression> updated(std::vector<LoopRegression> regressions,
                                    const LoopPlan& plan,
                                    const std::vector<LoopPair>& pairs,
                                    const std::vector<double>& answers) {
  for (LoopRegression& regression : regressions) {
    regression.fade(plan.options.memory);
  }
  const int64_t n_pair = std::ssize(pairs);
  for (int64_t i = 0; i < n_pair; ++i) {
    const double plus = answers[2 * i];
    const double minus = answers[2 * i + 1];
    if (std::isfinite(plus) && std::isfinite(minus)) {
      const LoopSet& role = plan.roles[pairs[i].i_set];
      regressions[pairs[i].i_set].add_pair(
          pairs[i].e, loop_loss(role, plus), loop_loss(role, minus));
    }
  }
  for (int64_t i = 0, k = 2 * n_pair; i < n_pair; i += kCentreEvery, ++k) {
    if (std::isfinite(answers[k])) {
      const LoopPair& pair = pairs[i];
      regressions[pair.i_set].add_value(
          loop_value(plan.roles[pair.i_set], pair.i_item, answers[k]));
    }
  }
  return regressions;
}

/// Raises the weight of an exceeded limit, and lowers the weight of the gain once it is large
/// enough.
std::vector<double> adjusted(std::vector<double> multipliers,
                             const LoopPlan& plan,
                             const std::vector<double>& values) {
  for (int64_t i = 0; i < plan.n_set; ++i) {
    const bool is_gain = i == plan.i_gain;
    const double gain_push = values[plan.i_gain] >= plan.options.enough ? -1.0 : 1.0;
    const double push =
        is_gain ? gain_push : std::clamp(loop_violation(plan.roles[i], values[i]), -1.0, 1.0);
    multipliers[i] = std::clamp(multipliers[i] * std::exp(kMultiplierRate * push),
                                kLeastMultiplier,
                                is_gain ? 1.0 : kMostMultiplier);
  }
  return multipliers;
}

std::vector<double> mean_values(const std::vector<LoopRegression>& regressions) {
  std::vector<double> values;
  values.reserve(regressions.size());
  for (const LoopRegression& regression : regressions) {
    values.push_back(regression.mean_value());
  }
  return values;
}

double loop_norm(const std::vector<float>& s) {
  return Eigen::Map<const Eigen::VectorXf>(s.data(), std::ssize(s)).norm();
}

/// The gain is large enough, and no limit is exceeded by much.
bool is_enough(const LoopPlan& plan, const LoopStep& step) {
  bool enough = step.value[plan.i_gain] >= plan.options.enough;
  for (int64_t i = 0; i < plan.n_set; ++i) {
    enough =
        enough && (i == plan.i_gain || loop_violation(plan.roles[i], step.value[i]) <= kNearLimit);
  }
  return enough;
}

/// Of the sum of all losses, each weighed by its multiplier, per unit of each entry.
Eigen::VectorXd total_gradient(const LoopPlan& plan, const LoopState& state) {
  const double perturbation = plan.options.perturbation;
  const double ridge = kRidge * to_double(plan.d) * perturbation * perturbation;
  Eigen::VectorXd g = Eigen::VectorXd::Zero(plan.d);
  for (int64_t k = 0; k < plan.n_set; ++k) {
    g += state.multipliers[k] * state.regressions[k].gradient(ridge);
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
      merit -= kViolationCost * std::max(0.0, loop_violation(plan.roles[i], step.value[i]));
    }
  }
  return merit;
}

/// Last of the `n_stretch` successive steps with the highest mean merit; the latest of equals.
int64_t best_stretch(const LoopPlan& plan, const std::vector<LoopStep>& steps, int64_t n_stretch) {
  int64_t i_best = 0;
  double best = -1e300;
  for (int64_t end = n_stretch; n_stretch > 0 && end <= std::ssize(steps); ++end) {
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
  std::vector<float> steer = plan.start.steer;
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

}  // namespace

ClosedLoopResult close_loop(const Mask& start,
                            const FreeEntries& entries,
                            const std::vector<OutcomeSet>& sets,
                            const std::vector<LoopSet>& roles,
                            const AskModel& ask,
                            const ClosedLoopOptions& options) {
  const LoopPlan plan = plan_loop(start, entries, sets, roles, options);
  LoopState state = first_state(plan);
  Rng rng(mix_seed(options.seed, 0x6c6f6f70));
  ClosedLoopResult result;
  std::vector<std::vector<float>> path;  // S of every step
  int64_t n_enough = 0;
  for (int64_t i = 0; i < options.n_step && n_enough < kStretch; ++i) {
    if (options.is_spent && options.is_spent()) {
      break;
    }
    report(options.progress,
           {"closed loop", i, options.n_step, "steps", describe_loop(plan, result.steps)});
    if (options.refresh && options.n_refresh > 0 && i > 0 && i % options.n_refresh == 0) {
      options.refresh(mean_steer(plan, {state.s}, 0, 1));
    }
    const std::vector<LoopPair> pairs =
        draw_loop_pairs(plan, allocate_pairs(plan, state, i == 0), rng);
    const std::vector<Question> questions = loop_questions(plan, state.s, pairs);
    result.n_question += std::ssize(questions);
    state.regressions = updated(std::move(state.regressions), plan, pairs, ask(questions));
    const std::vector<double> values = mean_values(state.regressions);
    state.multipliers = adjusted(std::move(state.multipliers), plan, values);
    result.steps.push_back({loop_norm(state.s), values, state.multipliers});
    path.push_back(state.s);
    n_enough = is_enough(plan, result.steps.back()) ? n_enough + 1 : 0;
    state.s = stepped(std::move(state.s), plan, total_gradient(plan, state), i);
  }
  result.n_stretch = std::min<int64_t>(kStretch, std::ssize(path));
  result.i_best = best_stretch(plan, result.steps, result.n_stretch);
  result.steer = mean_steer(plan, path, result.i_best, result.n_stretch);
  return result;
}

}  // namespace mascing
