// Adam with falling steps, over tokens in an order that is drawn anew for each round.
#include "export/refine_choice.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "base/numeric.h"
#include "base/random.h"
#include "export/choice_border.h"

namespace mascing {
namespace {

using Eigen::MatrixXf;
using Eigen::VectorXf;

constexpr int64_t kRounds = 24;
constexpr int64_t kChoiceBlock = 512;  // tokens
constexpr int64_t kRowPiece = 32;      // tokens at a time within a block
constexpr int64_t kColumnPiece = 256;  // features at a time
constexpr int64_t kMaxInside = 4;      // chosen experts nearest to the border
constexpr int64_t kMaxOutside = 8;
constexpr int64_t kMaxGroups = 2;   // on either side of the border between groups
constexpr float kFlattest = 1e-4F;  // slope of a score that hardly moves any more
constexpr float kWidth = 0.1F;      // in mean sigma
constexpr float kStep = 0.03F;      // in mean sigma
constexpr float kDecayFirst = 0.9F;
constexpr float kDecaySecond = 0.99F;

/// Experts of one token on both sides of the border under the exact mask, the nearest ones.
struct Border {
  std::vector<int32_t> inside;
  std::vector<int32_t> outside;
  std::vector<ExpertGroup> groups_inside;
  std::vector<ExpertGroup> groups_outside;
  float unit = 1.0F;  ///< of a score, for one of a logit
};

Border find_border(const LayerProblem& problem, int64_t i_token) {
  const int64_t n_expert = problem.n_expert();
  const VectorXf exact = problem.logits.row(i_token).transpose() +
                         to_float(problem.alpha) * problem.wanted.row(i_token).transpose();
  const RankedExperts ranked = rank_experts(problem.choice, exact.data(), n_expert);
  const std::vector<int32_t>& order = ranked.order;
  const int64_t k = std::clamp<int64_t>(problem.n_expert_used, 1, std::ssize(order));
  const auto middle = order.begin() + k;
  Border border;
  border.inside.assign(middle - std::min(k, kMaxInside), middle);
  border.outside.assign(middle, middle + std::min(std::ssize(order) - k, kMaxOutside));
  const int32_t next = border.outside.empty() ? border.inside.back() : border.outside.front();
  border.unit =
      std::max(0.5F * (ranked.slopes[border.inside.back()] + ranked.slopes[next]), kFlattest);
  if (!ranked.groups.empty()) {
    const int64_t n_used = problem.choice.n_group_used;
    const int64_t n_left_out = std::ssize(ranked.groups) - n_used;
    const auto edge = ranked.groups.begin() + n_used;
    border.groups_inside.assign(edge - std::min(n_used, kMaxGroups), edge);
    border.groups_outside.assign(edge, edge + std::min(n_left_out, kMaxGroups));
  }
  return border;
}

std::vector<Border> find_borders(const LayerProblem& problem, int64_t n_thread) {
  std::vector<Border> borders(problem.n_fit);
  for_pieces(problem.n_fit, kRowPiece, n_thread, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      borders[i] = find_border(problem, i);
    }
  });
  return borders;
}

/// Loss of one margin, and how much of a step it calls for.
double margin_loss(float margin, float width, float& wrong) {
  const float x = std::clamp(margin / width, -60.0F, 60.0F);
  wrong = 1.0F / (1.0F + std::exp(x));
  return x > 0.0F ? std::log1p(std::exp(-x)) : -x + std::log1p(std::exp(x));
}

class Refinement {
 public:
  Refinement(const LayerProblem& problem, int64_t n_thread)
      : problem_(problem),
        n_thread_(n_thread),
        borders_(find_borders(problem, n_thread)),
        width_(kWidth * to_float(problem.sigma) + 1e-6F) {}

  /// Loss of the tokens `order[begin, end)`; adds its gradient to `gradient` unless that is null.
  double loss(const MatrixXf& matrix,
              const std::vector<int64_t>& order,
              int64_t begin,
              int64_t end,
              MatrixXf* gradient) const {
    const float alpha = to_float(problem_.alpha);
    const int64_t n = end - begin;
    TokenMatrix rows(n, problem_.n_feature());
    TokenMatrix slope = TokenMatrix::Zero(n, problem_.n_expert());
    std::vector<double> sums((n + kRowPiece - 1) / kRowPiece, 0.0);
    for_pieces(n, kRowPiece, n_thread_, [&](int64_t first, int64_t last) {
      for (int64_t i = first; i < last; ++i) {
        rows.row(i) = problem_.features.row(order[begin + i]);
      }
      const TokenMatrix push = alpha * (rows.middleRows(first, last - first) * matrix.transpose());
      for (int64_t i = first; i < last; ++i) {
        sums[first / kRowPiece] += token_loss(order[begin + i], push.row(i - first), slope, i);
      }
    });
    if (gradient != nullptr) {
      for_pieces(rows.cols(), kColumnPiece, n_thread_, [&](int64_t first, int64_t last) {
        gradient->middleCols(first, last - first).noalias() =
            alpha * (slope.transpose() * rows.middleCols(first, last - first)) /
            static_cast<float>(n);
      });
    }
    return std::accumulate(sums.begin(), sums.end(), 0.0);
  }

 private:
  template <typename Row>
  double token_loss(int64_t i_token, const Row& push, TokenMatrix& slope, int64_t i_row) const {
    const Border& border = borders_[i_token];
    const float width = width_ * border.unit;
    const VectorXf logits = (problem_.logits.row(i_token) + push).transpose();
    std::vector<float> scores;
    selection_scores(problem_.choice, logits.data(), logits.size(), scores);
    std::vector<float> pull(scores.size(), 0.0F);
    double sum = 0.0;
    float wrong = 0.0F;
    for (const int32_t a : border.inside) {
      for (const int32_t b : border.outside) {
        sum += margin_loss(scores[a] - scores[b], width, wrong);
        pull[a] -= wrong / border.unit;
        pull[b] += wrong / border.unit;
      }
    }
    for (const ExpertGroup& a : border.groups_inside) {
      for (const ExpertGroup& b : border.groups_outside) {
        sum += margin_loss(
            scores[a.best] + scores[a.second] - scores[b.best] - scores[b.second], width, wrong);
        for (const int64_t i : {a.best, a.second}) {
          pull[i] -= wrong / border.unit;
        }
        for (const int64_t i : {b.best, b.second}) {
          pull[i] += wrong / border.unit;
        }
      }
    }
    pull_to_logits(problem_.choice, logits.data(), pull);
    slope.row(i_row) = Eigen::Map<const VectorXf>(pull.data(), std::ssize(pull)).transpose();
    return sum;
  }

  const LayerProblem& problem_;
  int64_t n_thread_;
  std::vector<Border> borders_;
  float width_;
};

struct Adam {
  MatrixXf first;
  MatrixXf second;
  float n_step = 0.0F;

  void step(MatrixXf& matrix, const MatrixXf& gradient, float size, int64_t n_thread) {
    n_step += 1.0F;
    const float correct_first = 1.0F - std::pow(kDecayFirst, n_step);
    const float correct_second = 1.0F - std::pow(kDecaySecond, n_step);
    for_pieces(matrix.cols(), kColumnPiece, n_thread, [&](int64_t begin, int64_t end) {
      auto m = first.middleCols(begin, end - begin);
      auto v = second.middleCols(begin, end - begin);
      const auto g = gradient.middleCols(begin, end - begin);
      m = kDecayFirst * m + (1.0F - kDecayFirst) * g;
      v = kDecaySecond * v + (1.0F - kDecaySecond) * g.cwiseAbs2();
      matrix.middleCols(begin, end - begin).array() -=
          size * (m.array() / correct_first) / ((v.array() / correct_second).sqrt() + 1e-8F);
    });
  }
};

}  // namespace

MatrixXf refine_choice(const LayerProblem& problem, const MatrixXf& start, int64_t n_thread) {
  const Refinement refinement(problem, n_thread);
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
  const float sigma = to_float(problem.sigma);
  for (int64_t round = 0; round < kRounds; ++round) {
    for (int64_t i = n_learn - 1; i > 0; --i) {
      std::swap(order[i], order[rng.below(i + 1)]);
    }
    const float left = 1.0F - static_cast<float>(round) / static_cast<float>(kRounds);
    for (int64_t begin = 0; begin < n_learn; begin += kChoiceBlock) {
      refinement.loss(matrix, order, begin, std::min(begin + kChoiceBlock, n_learn), &gradient);
      adam.step(matrix, gradient, kStep * sigma * left, n_thread);
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
