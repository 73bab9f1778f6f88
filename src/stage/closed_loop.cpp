// One conversation per pair of masks: conversations differ more in their gradients than a pair of
// masks costs, so with a given number of forward passes many pairs beat many conversations per pair
// (on the natural demo model the gradient of one conversation is 2.8 times as long as their mean).
#include "stage/closed_loop.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/numeric.h"
#include "base/random.h"
#include "base/text.h"

#include <Eigen/Dense>

namespace mascing {
namespace {

using Eigen::MatrixXd;
using Eigen::VectorXd;

constexpr double kMultiplierRate = 0.2;  // of the logarithm, per step and unit of violation
constexpr double kFirstMultiplier = 0.1;
constexpr double kLeastMultiplier = 0.01;
constexpr double kMostMultiplier = 20.0;
constexpr double kSharpness = 4.0;       // of shares that are reported and held against limits
constexpr double kRidge = 0.5;           // of the regression, in pairs per free entry
constexpr size_t kCentreEvery = 3;       // pairs: one of their items is also measured at S itself
constexpr size_t kStretch = 6;           // steps whose mean is the result
constexpr double kNearLimit = 0.2;       // violation at which the loop may stop
constexpr double kViolationCost = 0.25;  // of a limit exceeded by its own size, in wanted share
constexpr double kLeastPart = 0.5;       // of an even share of the pairs: so many each set gets

double softplus(double x) {
  return x > 30.0 ? x : std::log1p(std::exp(x));
}

double sigmoid(double x) {
  return 1.0 / (1.0 + std::exp(-x));
}

/// Nearly a count of margins above 0, but without its jumps.
double wanted_share(double margin) {
  return sigmoid(kSharpness * margin);
}

/// Running ridge regression of one set's loss on the perturbations, and its running value at S.
struct Regression {
  MatrixXd gram;
  VectorXd moment;
  double value = 0.0;
  double weight = 0.0;
  double square = 0.0;  ///< running sum of squared half differences of the loss
  double n_pair = 0.0;

  /// Root mean square of what a pair of masks does to the loss.
  [[nodiscard]] double scatter() const { return n_pair > 0.0 ? std::sqrt(square / n_pair) : 1.0; }
};

/// A perturbation of S and the item that is asked under both its signs.
struct Pair {
  size_t i_set = 0;
  int64_t i_item = 0;
  std::vector<float> e;  ///< in units
};

class Loop {
 public:
  Loop(const Mask& start,
       const FreeEntries& entries,
       const std::vector<OutcomeSet>& sets,
       const std::vector<LoopSet>& roles,
       const AskModel& ask,
       const ClosedLoopOptions& options)
      : start_(start),
        entries_(entries),
        sets_(sets),
        roles_(roles),
        ask_(ask),
        options_(options),
        rng_(mix_seed(options.seed, 0x6c6f6f70)),
        d_(std::ssize(entries)),
        n_pair_(options.n_pair > 0 ? options.n_pair : std::clamp<int64_t>(4 * d_, 128, 1024)),
        unit_(options.unit),
        regressions_(sets.size()),
        multipliers_(sets.size(), kFirstMultiplier) {
    for (Regression& regression : regressions_) {
      regression.gram = MatrixXd::Zero(d_, d_);
      regression.moment = VectorXd::Zero(d_);
    }
    for (size_t i = 0; i < roles.size(); ++i) {
      if (roles[i].role == LoopRole::kGain) {
        i_gain_ = i;
        multipliers_[i] = 1.0;
      }
    }
    unit_.resize(entries.size(), 1.0);
    for (const int64_t entry : entries) {
      s_.push_back(start.steer[entry]);
    }
  }

  ClosedLoopResult run() {
    int64_t n_enough = 0;
    for (int64_t i = 0; i < options_.n_step && n_enough < static_cast<int64_t>(kStretch); ++i) {
      if (options_.is_spent && options_.is_spent()) {
        break;
      }
      report(options_.progress, {"closed loop", i, options_.n_step, "steps", describe()});
      observe(draw_pairs());
      adjust_multipliers();
      record();
      n_enough = is_enough() ? n_enough + 1 : 0;
      step(i);
    }
    finish();
    return std::move(result_);
  }

 private:
  [[nodiscard]] std::string describe() const {
    if (result_.steps.empty()) {
      return "";
    }
    return sets_[i_gain_].name + " about " + format_percent(result_.steps.back().value[i_gain_]);
  }

  /// Number of pairs of every set. The step follows sum multiplier_k g_k, and g_k's error falls
  /// with scatter_k^2 / n_k: n_k in proportion to multiplier_k * scatter_k makes the error of the
  /// sum least (Neyman's allocation). Before anything is known, the gain gets two parts.
  [[nodiscard]] std::vector<int64_t> shares_of_pairs() const {
    std::vector<double> weight(sets_.size(), 1.0);
    weight[i_gain_] = 2.0;
    double sum = 0.0;
    for (size_t i = 0; i < sets_.size(); ++i) {
      if (!result_.steps.empty()) {
        weight[i] = multipliers_[i] * regressions_[i].scatter();
      }
      sum += weight[i];
    }
    const auto n = static_cast<double>(n_pair_);
    const double least = kLeastPart / to_double(std::ssize(sets_));
    std::vector<int64_t> shares;
    for (const double w : weight) {
      const double part = sum > 0.0 ? w / sum : 0.0;
      shares.push_back(static_cast<int64_t>(n * (least + (1.0 - kLeastPart) * part)));
    }
    return shares;
  }

  std::vector<Pair> draw_pairs() {
    std::vector<Pair> pairs;
    const std::vector<int64_t> shares = shares_of_pairs();
    for (size_t i = 0; i < sets_.size(); ++i) {
      for (int64_t k = 0; k < shares[i]; ++k) {
        const int64_t i_item = rng_.below(sets_[i].size());
        pairs.push_back({i, i_item, draw_perturbation(rng_, d_, options_.perturbation)});
      }
    }
    return pairs;
  }

  void observe(const std::vector<Pair>& pairs) {
    for (Regression& regression : regressions_) {
      regression.gram *= options_.memory;
      regression.moment *= options_.memory;
      regression.value *= options_.memory;
      regression.weight *= options_.memory;
      regression.square *= options_.memory;
      regression.n_pair *= options_.memory;
    }
    const std::vector<double> answers = answer(pairs);
    for (size_t i = 0; i < pairs.size(); ++i) {
      absorb(pairs[i], answers[2 * i], answers[2 * i + 1]);
    }
    size_t k = 2 * pairs.size();
    for (size_t i = 0; i < pairs.size(); i += kCentreEvery, ++k) {
      if (std::isfinite(answers[k])) {
        regressions_[pairs[i].i_set].value += value(pairs[i], answers[k]);
        regressions_[pairs[i].i_set].weight += 1.0;
      }
    }
  }

  /// Both signs of every pair, then some of the items at S itself.
  std::vector<double> answer(const std::vector<Pair>& pairs) {
    std::vector<Question> questions;
    for (const Pair& pair : pairs) {
      const std::vector<float> e = in_sigmas(pair.e);
      for (const float sign : {1.0F, -1.0F}) {
        questions.push_back({static_cast<int64_t>(pair.i_set),
                             pair.i_item,
                             perturbed(start_, entries_, s_, e, sign)});
      }
    }
    const Steering centre = perturbed(start_, entries_, s_, {}, 0.0F);
    for (size_t i = 0; i < pairs.size(); i += kCentreEvery) {
      questions.push_back({static_cast<int64_t>(pairs[i].i_set), pairs[i].i_item, centre});
    }
    result_.n_question += std::ssize(questions);
    return ask_(questions);
  }

  [[nodiscard]] std::vector<float> in_sigmas(std::vector<float> e) const {
    for (size_t j = 0; j < e.size(); ++j) {
      e[j] *= static_cast<float>(unit_[j]);
    }
    return e;
  }

  void absorb(const Pair& pair, double plus, double minus) {
    if (!std::isfinite(plus) || !std::isfinite(minus)) {
      return;
    }
    Regression& regression = regressions_[pair.i_set];
    const VectorXd e = Eigen::Map<const Eigen::VectorXf>(pair.e.data(), d_).cast<double>();
    regression.gram.selfadjointView<Eigen::Lower>().rankUpdate(e);
    const double half = (loss(pair.i_set, plus) - loss(pair.i_set, minus)) / 2.0;
    regression.moment += e * half;
    regression.square += half * half;
    regression.n_pair += 1.0;
  }

  [[nodiscard]] double loss(size_t i_set, double y) const {
    if (roles_[i_set].role == LoopRole::kGain) {
      return softplus(-y);
    }
    const LoopSet& role = roles_[i_set];
    return (role.role == LoopRole::kKeep ? sigmoid(role.margin - y) : y) / role.limit;
  }

  [[nodiscard]] double value(const Pair& pair, double y) const {
    const LoopSet& role = roles_[pair.i_set];
    if (role.role == LoopRole::kDamage) {
      return y;
    }
    const double share = wanted_share(y - role.margin);
    const bool is_gain = role.role == LoopRole::kGain;
    return is_gain ? share : wanted_share(role.base[pair.i_item] - role.margin) - share;
  }

  [[nodiscard]] double mean_value(size_t i_set) const {
    const Regression& regression = regressions_[i_set];
    return regression.weight > 0.0 ? regression.value / regression.weight : 0.0;
  }

  /// 0 at the limit, -1 where nothing has changed.
  [[nodiscard]] double violation(size_t i_set, double value) const {
    return value / roles_[i_set].limit - 1.0;
  }

  /// A limit weighs more while it is exceeded; the gain weighs less once it is large enough.
  void adjust_multipliers() {
    for (size_t i = 0; i < sets_.size(); ++i) {
      const bool is_gain = i == i_gain_;
      const double gain_push = mean_value(i_gain_) >= options_.enough ? -1.0 : 1.0;
      const double push = is_gain ? gain_push : std::clamp(violation(i, mean_value(i)), -1.0, 1.0);
      multipliers_[i] = std::clamp(multipliers_[i] * std::exp(kMultiplierRate * push),
                                   kLeastMultiplier,
                                   is_gain ? 1.0 : kMostMultiplier);
    }
  }

  void record() {
    LoopStep step;
    const auto s = Eigen::Map<const Eigen::VectorXf>(s_.data(), d_);
    step.norm = static_cast<double>(s.norm());
    for (size_t i = 0; i < sets_.size(); ++i) {
      step.value.push_back(mean_value(i));
    }
    step.multiplier = multipliers_;
    result_.steps.push_back(std::move(step));
    path_.push_back(s_);
  }

  /// Wanted share of the gain set less what the limits of the others were exceeded by.
  [[nodiscard]] double merit(const LoopStep& step) const {
    double merit = step.value[i_gain_];
    for (size_t i = 0; i < sets_.size(); ++i) {
      if (i != i_gain_) {
        merit -= kViolationCost * std::max(0.0, violation(i, step.value[i]));
      }
    }
    return merit;
  }

  /// The gain is large enough, and no limit is exceeded by much.
  [[nodiscard]] bool is_enough() const {
    const LoopStep& step = result_.steps.back();
    bool enough = step.value[i_gain_] >= options_.enough;
    for (size_t i = 0; i < sets_.size(); ++i) {
      enough = enough && (i == i_gain_ || violation(i, step.value[i]) <= kNearLimit);
    }
    return enough;
  }

  /// Per unit of each entry.
  [[nodiscard]] VectorXd gradient(size_t i_set) const {
    const Regression& regression = regressions_[i_set];
    MatrixXd gram = regression.gram.selfadjointView<Eigen::Lower>();
    gram.diagonal().array() +=
        kRidge * static_cast<double>(d_) * options_.perturbation * options_.perturbation;
    return gram.ldlt().solve(regression.moment);
  }

  void step(int64_t i) {
    VectorXd g = VectorXd::Zero(d_);
    for (size_t k = 0; k < sets_.size(); ++k) {
      g += multipliers_[k] * gradient(k);
    }
    const double done = static_cast<double>(i) / static_cast<double>(options_.n_step);
    const double length = options_.step * (0.55 + 0.45 * std::cos(done * std::numbers::pi));
    const double scale = g.norm() > 0.0 ? length / g.norm() : 0.0;
    const double shrink = options_.l1 * length;
    for (int64_t j = 0; j < d_; ++j) {
      const double moved = static_cast<double>(s_[j]) - scale * unit_[j] * g[j];
      const double entry = soft_threshold(moved, shrink * unit_[j]);
      s_[j] = static_cast<float>(std::min(entry, options_.boost_cap));
    }
  }

  /// The mean of S over the stretch of steps with the highest mean merit.
  void finish() {
    result_.steer = start_.steer;
    const size_t n_stretch = std::min(kStretch, path_.size());
    result_.n_stretch = static_cast<int64_t>(n_stretch);
    double best = -1e300;
    for (size_t end = n_stretch; n_stretch > 0 && end <= path_.size(); ++end) {
      double sum = 0.0;
      for (size_t i = end - n_stretch; i < end; ++i) {
        sum += merit(result_.steps[i]);
      }
      if (sum >= best) {
        best = sum;
        result_.i_best = static_cast<int64_t>(end) - 1;
      }
    }
    for (size_t j = 0; n_stretch > 0 && j < entries_.size(); ++j) {
      double sum = 0.0;
      for (size_t i = 0; i < n_stretch; ++i) {
        sum += path_[static_cast<size_t>(result_.i_best) - i][j];
      }
      result_.steer[entries_[j]] = static_cast<float>(sum / static_cast<double>(n_stretch));
    }
  }

  const Mask& start_;
  const FreeEntries& entries_;
  const std::vector<OutcomeSet>& sets_;
  const std::vector<LoopSet>& roles_;
  const AskModel& ask_;
  const ClosedLoopOptions& options_;
  Rng rng_;
  int64_t d_;
  int64_t n_pair_;
  std::vector<float> s_;  ///< [d] in sigmas
  std::vector<double> unit_;
  std::vector<std::vector<float>> path_;
  std::vector<Regression> regressions_;
  std::vector<double> multipliers_;
  size_t i_gain_ = 0;
  ClosedLoopResult result_;
};

}  // namespace

ClosedLoopResult close_loop(const Mask& start,
                            const FreeEntries& entries,
                            const std::vector<OutcomeSet>& sets,
                            const std::vector<LoopSet>& roles,
                            const AskModel& ask,
                            const ClosedLoopOptions& options) {
  return Loop(start, entries, sets, roles, ask, options).run();
}

}  // namespace mascing
