// A conversation's gradient is some 2.3 times as long as the mean of all, however many entries a
// mask has. So a few dozen conversations a step are enough, with the memory of the steps before.
#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "base/numeric.h"
#include "base/random.h"
#include "stage/loop_slopes.h"

namespace mascing {
namespace {

constexpr int64_t kLeastOfSet = 4;  // of each set and step

/// The items of a set in random order, again and again.
class ItemOrder {
 public:
  explicit ItemOrder(int64_t n) : order_(n) {
    std::iota(order_.begin(), order_.end(), int64_t{0});
    next_ = order_.size();
  }
  int64_t next(Rng& rng) {
    if (next_ == order_.size()) {
      rng.shuffle(order_);
      next_ = 0;
    }
    return order_[next_++];
  }

 private:
  std::vector<int64_t> order_;
  size_t next_ = 0;
};

/// Weighted sums over the answers of one set.
struct SlopeSums {
  Eigen::VectorXd slope;  ///< [d]
  double square = 0.0;    ///< squared lengths of single slopes
  double value = 0.0;
  double weight = 0.0;

  void fade(double memory) {
    slope *= memory;
    square *= memory;
    value *= memory;
    weight *= memory;
  }
  /// Standard deviation of single slopes around their mean; 1 before the first.
  [[nodiscard]] double scatter() const {
    if (weight == 0.0) {
      return 1.0;
    }
    return std::sqrt(std::max(0.0, square / weight - (slope / weight).squaredNorm()));
  }
};

class ExactSlopes : public LoopSlopes {
 public:
  ExactSlopes(const LoopPlan& plan, const AskGradients& ask)
      : plan_(plan), ask_(ask), rng_(mix_seed(plan.options.seed, 0x65786163)) {
    sums_.assign(plan.n_set, SlopeSums{Eigen::VectorXd::Zero(plan.d)});
    for (const OutcomeSet& set : plan.sets) {
      orders_.emplace_back(set.size());
    }
  }

  void measure(const std::vector<float>& s, const std::vector<double>& multipliers) override {
    const std::vector<Question> questions = draw_questions(s, multipliers);
    n_question_ += std::ssize(questions);
    const std::vector<OutcomeGradient> answers = ask_(questions);
    for (SlopeSums& sums : sums_) {
      sums.fade(plan_.options.memory);
    }
    for (size_t i = 0; i < questions.size(); ++i) {
      if (!answers[i].d_steer.empty() && std::isfinite(answers[i].value)) {
        add(questions[i], answers[i]);
      }
    }
  }
  [[nodiscard]] Eigen::VectorXd gradient(int64_t i_set) const override {
    const SlopeSums& sums = sums_[i_set];
    return sums.weight > 0.0 ? Eigen::VectorXd(sums.slope / sums.weight) : sums.slope;
  }
  [[nodiscard]] double mean_value(int64_t i_set) const override {
    const SlopeSums& sums = sums_[i_set];
    return sums.weight > 0.0 ? sums.value / sums.weight : 0.0;
  }
  void forget(int64_t i_set) override { sums_[i_set].fade(0.0); }
  [[nodiscard]] int64_t n_question() const override { return n_question_; }

 private:
  /// Items of every set at S.
  std::vector<Question> draw_questions(const std::vector<float>& s,
                                       const std::vector<double>& multipliers) {
    std::vector<double> scatters;
    for (int64_t i = 0; n_question_ > 0 && i < plan_.n_set; ++i) {
      scatters.push_back(sums_[i].scatter());
    }
    const int64_t n_item = plan_.options.n_item > 0 ? plan_.options.n_item : kItemsOfStep;
    const std::vector<int64_t> n_of_set = allocate_questions(plan_, n_item, multipliers, scatters);
    const Steering centre = perturbed(plan_.start, plan_.entries, s, {}, 0.0F);
    std::vector<Question> questions;
    for (int64_t i = 0; i < plan_.n_set; ++i) {
      for (int64_t k = 0; k < std::max(kLeastOfSet, n_of_set[i]); ++k) {
        questions.push_back({i, orders_[i].next(rng_), centre});
      }
    }
    return questions;
  }

  void add(const Question& question, const OutcomeGradient& answer) {
    const LoopSet& role = plan_.roles[question.i_set];
    const double slope = loop_slope(role, answer.value);
    SlopeSums& sums = sums_[question.i_set];
    double square = 0.0;
    for (int64_t j = 0; j < plan_.d; ++j) {
      const double g = slope * plan_.unit[j] * answer.d_steer[plan_.entries[j]];
      sums.slope[j] += g;
      square += g * g;
    }
    sums.square += square;
    sums.value += loop_value(role, question.i_item, answer.value);
    sums.weight += 1.0;
  }

  const LoopPlan& plan_;
  const AskGradients& ask_;
  Rng rng_;
  std::vector<SlopeSums> sums_;    ///< of each set
  std::vector<ItemOrder> orders_;  ///< likewise
  int64_t n_question_ = 0;
};

}  // namespace

std::unique_ptr<LoopSlopes> exact_slopes(const LoopPlan& plan, const AskGradients& ask) {
  return std::make_unique<ExactSlopes>(plan, ask);
}

}  // namespace mascing
