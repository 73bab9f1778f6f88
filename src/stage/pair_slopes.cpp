// Uses one conversation per pair of masks. Gradients vary strongly between conversations (on the
// natural demo model a single gradient is 2.8 times as long as the mean), so for a fixed number of
// forward passes many pairs are better than many conversations per pair.
#include <algorithm>
#include <cmath>
#include <utility>

#include "base/numeric.h"
#include "base/random.h"
#include "stage/loop_regression.h"
#include "stage/loop_slopes.h"

namespace mascing {
namespace {

constexpr double kRidge = 0.5;       // of the regression, in pairs per free entry
constexpr int64_t kCentreEvery = 3;  // pairs: one of their items is also measured at S itself

/// A perturbation of S and the item measured under both signs.
struct LoopPair {
  int64_t i_set = 0;
  int64_t i_item = 0;
  std::vector<float> e;  ///< in units
};

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

class PairSlopes : public LoopSlopes {
 public:
  PairSlopes(const LoopPlan& plan, const AskModel& ask)
      : plan_(plan),
        ask_(ask),
        rng_(mix_seed(plan.options.seed, 0x6c6f6f70)),
        regressions_(plan.n_set, LoopRegression(plan.d)) {
    n_pair_ = pairs_of_round(plan.options.n_pair, plan.d);
  }

  void measure(const std::vector<float>& s, const std::vector<double>& multipliers) override {
    const std::vector<LoopPair> pairs =
        draw_loop_pairs(plan_, allocate_questions(plan_, n_pair_, multipliers, scatters()), rng_);
    const std::vector<Question> questions = loop_questions(plan_, s, pairs);
    n_question_ += std::ssize(questions);
    regressions_ = updated(std::move(regressions_), plan_, pairs, ask_(questions));
  }
  [[nodiscard]] Eigen::VectorXd gradient(int64_t i_set) const override {
    const double perturbation = plan_.options.perturbation;
    return regressions_[i_set].gradient(kRidge * to_double(plan_.d) * perturbation * perturbation);
  }
  [[nodiscard]] double mean_value(int64_t i_set) const override {
    return regressions_[i_set].mean_value();
  }
  void forget(int64_t i_set) override { regressions_[i_set].fade(0.0); }
  [[nodiscard]] int64_t n_question() const override { return n_question_; }

 private:
  /// Of each set; none before the first step.
  [[nodiscard]] std::vector<double> scatters() const {
    std::vector<double> scatters;
    for (int64_t i = 0; n_question_ > 0 && i < plan_.n_set; ++i) {
      scatters.push_back(regressions_[i].scatter());
    }
    return scatters;
  }

  const LoopPlan& plan_;
  const AskModel& ask_;
  Rng rng_;
  std::vector<LoopRegression> regressions_;  ///< of each set
  int64_t n_pair_ = 0;                       ///< of each step
  int64_t n_question_ = 0;
};

}  // namespace

std::unique_ptr<LoopSlopes> slopes_from_pairs(const LoopPlan& plan, const AskModel& ask) {
  return std::make_unique<PairSlopes>(plan, ask);
}

}  // namespace mascing
