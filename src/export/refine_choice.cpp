// Adam with falling steps, over tokens in an order that is drawn anew for each round.
#include "export/refine_choice.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "base/numeric.h"
#include "base/random.h"

namespace mascing {
namespace {

using Eigen::MatrixXf;
using Eigen::VectorXf;

constexpr int64_t kRounds = 24;
constexpr int64_t kChoiceBlock = 512;  // tokens
constexpr int64_t kMaxInside = 4;      // chosen experts nearest to the border
constexpr int64_t kMaxOutside = 8;
constexpr float kWidth = 0.1F;  // in mean sigma
constexpr float kStep = 0.03F;  // in mean sigma
constexpr float kDecayFirst = 0.9F;
constexpr float kDecaySecond = 0.99F;

/// Experts of one token on both sides of the border, nearest first.
struct Border {
  std::vector<int32_t> inside;
  std::vector<int32_t> outside;
};

std::vector<Border> find_borders(const LayerProblem& problem) {
  const int64_t n_expert = problem.n_expert();
  const int64_t k = std::clamp<int64_t>(problem.n_expert_used, 1, n_expert);
  const float alpha = to_float(problem.alpha);
  std::vector<Border> borders(problem.n_fit);
  std::vector<int32_t> order(n_expert);
  for (int64_t i = 0; i < problem.n_fit; ++i) {
    const VectorXf exact =
        problem.logits.row(i).transpose() + alpha * problem.sigma[i] * problem.steer;
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(
        order.begin(), order.end(), [&](int32_t a, int32_t b) { return exact[a] > exact[b]; });
    const auto border = order.begin() + k;
    borders[i].inside.assign(border - std::min(k, kMaxInside), border);
    borders[i].outside.assign(border, border + std::min(n_expert - k, kMaxOutside));
  }
  return borders;
}

class Refinement {
 public:
  Refinement(const LayerProblem& problem, const MatrixXf& white)
      : problem_(problem),
        white_(white),
        borders_(find_borders(problem)),
        width_(kWidth * problem.sigma.head(problem.n_fit).mean() + 1e-6F) {}

  /// Loss of the tokens `order[begin, end)`; adds its gradient to `gradient` unless that is null.
  double loss(const MatrixXf& matrix,
              const std::vector<int64_t>& order,
              int64_t begin,
              int64_t end,
              MatrixXf* gradient) const {
    MatrixXf rows(end - begin, white_.cols());
    for (int64_t i = begin; i < end; ++i) {
      rows.row(i - begin) = white_.row(order[i]);
    }
    const float alpha = to_float(problem_.alpha);
    MatrixXf logits = alpha * (rows * matrix.transpose());
    MatrixXf slope = MatrixXf::Zero(logits.rows(), logits.cols());
    double sum = 0.0;
    for (int64_t i = begin; i < end; ++i) {
      sum += token_loss(order[i], logits, slope, i - begin);
    }
    if (gradient != nullptr) {
      gradient->noalias() = alpha * (slope.transpose() * rows) / static_cast<float>(end - begin);
    }
    return sum;
  }

 private:
  double token_loss(int64_t i_token, const MatrixXf& push, MatrixXf& slope, int64_t i_row) const {
    const Border& border = borders_[i_token];
    double sum = 0.0;
    for (const int32_t a : border.inside) {
      for (const int32_t b : border.outside) {
        const float margin = problem_.logits(i_token, a) + push(i_row, a) -
                             problem_.logits(i_token, b) - push(i_row, b);
        const float x = std::clamp(margin / width_, -60.0F, 60.0F);
        const float wrong = 1.0F / (1.0F + std::exp(x));
        sum += x > 0.0F ? std::log1p(std::exp(-x)) : -x + std::log1p(std::exp(x));
        slope(i_row, a) -= wrong;
        slope(i_row, b) += wrong;
      }
    }
    return sum;
  }

  const LayerProblem& problem_;
  const MatrixXf& white_;
  std::vector<Border> borders_;
  float width_;
};

struct Adam {
  MatrixXf first;
  MatrixXf second;
  float n_step = 0.0F;

  void step(MatrixXf& matrix, const MatrixXf& gradient, float size) {
    n_step += 1.0F;
    first = kDecayFirst * first + (1.0F - kDecayFirst) * gradient;
    second = kDecaySecond * second + (1.0F - kDecaySecond) * gradient.cwiseAbs2();
    const float correct_first = 1.0F - std::pow(kDecayFirst, n_step);
    const float correct_second = 1.0F - std::pow(kDecaySecond, n_step);
    matrix.array() -=
        size * (first.array() / correct_first) / ((second.array() / correct_second).sqrt() + 1e-8F);
  }
};

}  // namespace

MatrixXf refine_choice(const LayerProblem& problem, const MatrixXf& white, const MatrixXf& start) {
  const Refinement refinement(problem, white);
  std::vector<int64_t> order(problem.n_fit);
  std::iota(order.begin(), order.end(), 0);
  const int64_t n_learn = problem.n_fit - problem.n_fit / 5;
  const auto check = [&](const MatrixXf& matrix) {
    double sum = 0.0;
    for (int64_t begin = n_learn; begin < problem.n_fit; begin += kChoiceBlock) {
      sum += refinement.loss(
          matrix, order, begin, std::min(begin + kChoiceBlock, problem.n_fit), nullptr);
    }
    return sum;
  };
  MatrixXf matrix = start;
  MatrixXf best = start;
  double least = check(start);
  Adam adam{MatrixXf::Zero(start.rows(), start.cols()), MatrixXf::Zero(start.rows(), start.cols())};
  MatrixXf gradient(start.rows(), start.cols());
  Rng rng(1);
  const float sigma = problem.sigma.head(problem.n_fit).mean();
  for (int64_t round = 0; round < kRounds; ++round) {
    for (int64_t i = n_learn - 1; i > 0; --i) {
      std::swap(order[i], order[rng.below(i + 1)]);
    }
    const float left = 1.0F - static_cast<float>(round) / static_cast<float>(kRounds);
    for (int64_t begin = 0; begin < n_learn; begin += kChoiceBlock) {
      refinement.loss(matrix, order, begin, std::min(begin + kChoiceBlock, n_learn), &gradient);
      adam.step(matrix, gradient, kStep * sigma * left);
    }
    const double loss = check(matrix);
    if (loss < least) {
      least = loss;
      best = matrix;
    }
  }
  return best;
}

}  // namespace mascing
