// One conversation per pair of masks: with d entries and n pairs the error of the gradient is about
// d / n of its size, however few conversations each pair sees, so many pairs beat many
// conversations per pair.
#include "stage/closed_loop.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <numeric>

#include <Eigen/Dense>

#include "base/random.h"
#include "mascing/error.h"

namespace mascing {
namespace {

using Eigen::MatrixXd;
using Eigen::VectorXd;

constexpr double kMultiplierRate = 0.3;  // of the logarithm, per step and unit of violation
constexpr double kFirstMultiplier = 0.1;
constexpr double kLeastMultiplier = 0.01;
constexpr double kMostMultiplier = 50.0;
constexpr size_t kCentreEvery = 3;  // pairs: one of their items is also measured at S itself
constexpr double kTailShare = 0.2;  // the result is the mean of this share of the steps, the last

double softplus(double x) {
  return x > 30.0 ? x : std::log1p(std::exp(x));
}

double sigmoid(double x) {
  return 1.0 / (1.0 + std::exp(-x));
}

/// Running ridge regression of one set's loss on the perturbations.
struct Regression {
  MatrixXd gram;
  VectorXd moment;
  double value = 0.0;   ///< running mean of the set's value
  double weight = 0.0;  ///< of the running mean
};

/// A perturbation of S and the two questions that measure it.
struct Pair {
  size_t i_set = 0;
  int64_t i_item = 0;
  VectorXd e;
};

class Loop {
 public:
  Loop(const Mask& frame,
       const std::vector<OutcomeSet>& sets,
       const std::vector<LoopSet>& roles,
       const AskModel& ask,
       const ClosedLoopOptions& options,
       const Progress& progress)
      : frame_(frame),
        sets_(sets),
        roles_(roles),
        ask_(ask),
        options_(options),
        progress_(progress),
        rng_(mix_seed(options.seed, 0x6c6f6f70)),
        d_(frame.n_layer * frame.n_expert),
        s_(Eigen::Map<const Eigen::VectorXf>(frame.steer.data(), d_).cast<double>()),
        regressions_(sets.size()),
        multipliers_(sets.size(), kFirstMultiplier) {
    for (Regression& regression : regressions_) {
      regression.gram = MatrixXd::Zero(d_, d_);
      regression.moment = VectorXd::Zero(d_);
    }
    i_gain_ = static_cast<size_t>(
        std::find_if(roles.begin(),
                     roles.end(),
                     [](const LoopSet& role) { return role.role == LoopRole::kGain; }) -
        roles.begin());
    multipliers_[i_gain_] = 1.0;
  }

  ClosedLoopResult run() {
    map_effects();
    VectorXd tail = VectorXd::Zero(d_);
    int64_t n_tail = 0;
    for (int64_t i = 0; i < options_.n_step; ++i) {
      report(progress_, {"closed loop", i, options_.n_step, "steps", describe()});
      observe(draw_pairs(options_.n_pair));
      adjust_multipliers();
      step(i);
      record();
      if (static_cast<double>(options_.n_step - i) <=
          std::max(1.0, kTailShare * static_cast<double>(options_.n_step))) {
        tail += s_;
        ++n_tail;
      }
    }
    s_ = tail / static_cast<double>(std::max<int64_t>(1, n_tail));
    const Eigen::VectorXf steer = s_.cast<float>();
    result_.steer.assign(steer.data(), steer.data() + d_);
    return std::move(result_);
  }

 private:
  [[nodiscard]] std::string describe() const {
    return result_.steps.empty() ? "" : result_.steps.back().norm > 0 ? "" : "";
  }

  [[nodiscard]] Steering steering_at(const VectorXd& s) const {
    auto mask = std::make_shared<Mask>(frame_);
    for (int64_t j = 0; j < d_; ++j) {
      mask->steer[j] = static_cast<float>(s[j]);
    }
    return {std::move(mask), 1.0F};
  }

  VectorXd draw_perturbation() {
    VectorXd e(d_);
    for (int64_t j = 0; j < d_; ++j) {
      e[j] = rng_.below(2) == 0 ? options_.perturbation : -options_.perturbation;
    }
    return e;
  }

  /// The effect map: only the set that is to change, at S = 0.
  void map_effects() {
    std::vector<Pair> pairs;
    for (int64_t i = 0; i < options_.n_map_pair; ++i) {
      pairs.push_back({i_gain_, rng_.below(sets_[i_gain_].size()), draw_perturbation()});
    }
    std::vector<float> design;
    std::vector<double> response;
    const std::vector<double> answers = answer(pairs);
    for (size_t i = 0; i < pairs.size(); ++i) {
      const double half = (answers[2 * i] - answers[2 * i + 1]) / 2.0;
      if (std::isfinite(half)) {
        response.push_back(half);
        for (int64_t j = 0; j < d_; ++j) {
          design.push_back(static_cast<float>(pairs[i].e[j]));
        }
      }
    }
    result_.effects = fit_effects(design, response, d_);
    absorb(pairs, answers);
  }

  /// Pairs over all sets: half of them for the gain.
  std::vector<Pair> draw_pairs(int64_t n) {
    std::vector<Pair> pairs;
    const auto n_other = static_cast<int64_t>(sets_.size()) - 1;
    for (size_t i = 0; i < sets_.size(); ++i) {
      const int64_t n_here = i == i_gain_ ? n * 2 / (n_other + 2) : n / (n_other + 2);
      for (int64_t k = 0; k < n_here; ++k) {
        pairs.push_back({i, rng_.below(sets_[i].size()), draw_perturbation()});
      }
    }
    return pairs;
  }

  std::vector<double> answer(const std::vector<Pair>& pairs) {
    std::vector<Question> questions;
    for (const Pair& pair : pairs) {
      const auto i_set = static_cast<int64_t>(pair.i_set);
      questions.push_back({i_set, pair.i_item, steering_at(s_ + pair.e)});
      questions.push_back({i_set, pair.i_item, steering_at(s_ - pair.e)});
    }
    const Steering centre = steering_at(s_);
    for (size_t i = 0; i < pairs.size(); i += kCentreEvery) {
      questions.push_back({static_cast<int64_t>(pairs[i].i_set), pairs[i].i_item, centre});
    }
    result_.n_question += static_cast<int64_t>(questions.size());
    return ask_(questions);
  }

  void observe(const std::vector<Pair>& pairs) {
    for (Regression& regression : regressions_) {
      regression.gram *= options_.memory;
      regression.moment *= options_.memory;
      regression.value *= options_.memory;
      regression.weight *= options_.memory;
    }
    const std::vector<double> answers = answer(pairs);
    absorb(pairs, answers);
    absorb_centre(pairs, answers);
  }

  void absorb(const std::vector<Pair>& pairs, const std::vector<double>& answers) {
    for (size_t i = 0; i < pairs.size(); ++i) {
      const double plus = answers[2 * i];
      const double minus = answers[2 * i + 1];
      if (!std::isfinite(plus) || !std::isfinite(minus)) {
        continue;
      }
      const Pair& pair = pairs[i];
      Regression& regression = regressions_[pair.i_set];
      regression.gram.selfadjointView<Eigen::Lower>().rankUpdate(pair.e);
      regression.moment += pair.e * ((loss(pair.i_set, plus) - loss(pair.i_set, minus)) / 2.0);
    }
  }

  /// What the sets are worth at S itself.
  void absorb_centre(const std::vector<Pair>& pairs, const std::vector<double>& answers) {
    size_t k = 2 * pairs.size();
    for (size_t i = 0; i < pairs.size(); i += kCentreEvery, ++k) {
      if (std::isfinite(answers[k])) {
        regressions_[pairs[i].i_set].value += value(pairs[i], answers[k]);
        regressions_[pairs[i].i_set].weight += 1.0;
      }
    }
  }

  [[nodiscard]] double loss(size_t i_set, double y) const {
    switch (roles_[i_set].role) {
      case LoopRole::kGain:
        return softplus(-y);
      case LoopRole::kKeep:
        return sigmoid(-y) / roles_[i_set].limit;
      case LoopRole::kDamage:
        break;
    }
    return y / roles_[i_set].limit;
  }

  /// Smoothed wanted share; of a kKeep set its fall from the unsteered one; a divergence as it is.
  [[nodiscard]] double value(const Pair& pair, double y) const {
    const LoopSet& role = roles_[pair.i_set];
    if (role.role == LoopRole::kDamage) {
      return y;
    }
    const double share = sigmoid(y);
    return role.role == LoopRole::kGain ? share : sigmoid(role.base[pair.i_item]) - share;
  }

  [[nodiscard]] double mean_value(size_t i_set) const {
    const Regression& regression = regressions_[i_set];
    return regression.weight > 0.0 ? regression.value / regression.weight : 0.0;
  }

  void adjust_multipliers() {
    for (size_t i = 0; i < sets_.size(); ++i) {
      if (i == i_gain_) {
        continue;
      }
      const double violation =
          std::clamp(mean_value(i) / roles_[i].limit - 1.0, -1.5, 1.5);
      multipliers_[i] = std::clamp(multipliers_[i] * std::exp(kMultiplierRate * violation),
                                   kLeastMultiplier,
                                   kMostMultiplier);
    }
  }

  [[nodiscard]] VectorXd gradient(size_t i_set) const {
    const Regression& regression = regressions_[i_set];
    const double ridge =
        0.5 * static_cast<double>(d_) * options_.perturbation * options_.perturbation;
    MatrixXd gram = regression.gram.selfadjointView<Eigen::Lower>();
    gram.diagonal().array() += ridge;
    return gram.ldlt().solve(regression.moment);
  }

  void step(int64_t i) {
    VectorXd g = VectorXd::Zero(d_);
    for (size_t k = 0; k < sets_.size(); ++k) {
      g += multipliers_[k] * gradient(k);
    }
    const double done = static_cast<double>(i) / static_cast<double>(options_.n_step);
    const double length = options_.step * (0.55 + 0.45 * std::cos(done * 3.14159265358979));
    const double norm = g.norm();
    if (norm > 0.0) {
      s_ -= length / norm * g;
    }
    const double shrink = options_.l1 * length;
    for (int64_t j = 0; j < d_; ++j) {
      const double least = s_[j] > 0.0 ? 2.0 * shrink : shrink;
      s_[j] = std::fabs(s_[j]) <= least ? 0.0 : s_[j] - std::copysign(least, s_[j]);
      s_[j] = std::min(s_[j], options_.boost_cap);
    }
  }

  void record() {
    LoopStep step;
    step.norm = s_.norm();
    for (size_t i = 0; i < sets_.size(); ++i) {
      step.value.push_back(mean_value(i));
    }
    step.multiplier = multipliers_;
    result_.steps.push_back(std::move(step));
  }

  const Mask& frame_;
  const std::vector<OutcomeSet>& sets_;
  const std::vector<LoopSet>& roles_;
  const AskModel& ask_;
  const ClosedLoopOptions& options_;
  const Progress& progress_;
  Rng rng_;
  int64_t d_;
  VectorXd s_;
  std::vector<Regression> regressions_;
  std::vector<double> multipliers_;
  size_t i_gain_ = 0;
  ClosedLoopResult result_;
};

}  // namespace

ClosedLoopResult close_loop(const Mask& frame,
                            const std::vector<OutcomeSet>& sets,
                            const std::vector<LoopSet>& roles,
                            const AskModel& ask,
                            const ClosedLoopOptions& options,
                            const Progress& progress) {
  return Loop(frame, sets, roles, ask, options, progress).run();
}

}  // namespace mascing
