// Least squares of three kinds on the inputs of one router. The matrix is found by conjugate
// gradients in whitened coordinates, in which a few dozen steps are enough.
#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <vector>

#include "base/numeric.h"
#include "export/constant_direction.h"
#include "export/fit_layer_parts.h"
#include "export/refine_choice.h"
#include "mascing/error.h"

#include <Eigen/Dense>

namespace mascing {
namespace {

using Eigen::MatrixXd;
using Eigen::MatrixXf;
using Eigen::VectorXd;
using Eigen::VectorXf;

constexpr int64_t kBlock = 1024;  // tokens at a time
constexpr int64_t kTile = 256;    // columns at a time
constexpr int64_t kMaxStep = 60;
constexpr double kTolerance = 1e-3;
constexpr double kMatrixRidge = 1e-3;
constexpr double kGoodEnough = 0.99;  // share of tokens with the same experts

/// What is solved for: a matrix over the inputs and, if the router has a bias, a constant 1.
struct Solution {
  MatrixXd values;  ///< [E, F]
  std::string method;
};

/// Tiles of columns, each over all tokens.
MatrixXd gram_of(const LayerProblem& problem, const VectorXf& weight, int64_t n_thread) {
  MatrixXd gram = MatrixXd::Zero(problem.n_feature(), problem.n_feature());
  for_pieces(problem.n_feature(), kTile, n_thread, [&](int64_t first, int64_t last) {
    const int64_t n_below = problem.n_feature() - first;
    for (int64_t begin = 0; begin < problem.n_fit; begin += kBlock) {
      const int64_t n = std::min(kBlock, problem.n_fit - begin);
      MatrixXd block = problem.features.block(begin, first, n, n_below).cast<double>();
      const VectorXd root = weight.segment(begin, n).cast<double>().cwiseSqrt();
      block.array().colwise() *= root.array();
      gram.block(first, first, n_below, last - first).noalias() +=
          block.transpose() * block.leftCols(last - first);
    }
  });
  return gram.selfadjointView<Eigen::Lower>();
}

/// a minimising sum weight (a . x - wanted)^2 + ridge |a|^2.
VectorXd regress(const LayerProblem& problem,
                 MatrixXd gram,
                 const VectorXf& weight,
                 const VectorXf& wanted,
                 double ridge) {
  VectorXd right = VectorXd::Zero(problem.n_feature());
  for (int64_t begin = 0; begin < problem.n_fit; begin += kBlock) {
    const int64_t n = std::min(kBlock, problem.n_fit - begin);
    const VectorXd target =
        weight.segment(begin, n).cwiseProduct(wanted.segment(begin, n)).cast<double>();
    right += problem.features.middleRows(begin, n).cast<double>().transpose() * target;
  }
  if (!(gram.trace() > 0.0)) {
    return VectorXd::Zero(problem.n_feature());
  }
  gram.diagonal().array() += ridge * gram.trace() / to_double(problem.n_feature());
  return Eigen::LLT<Eigen::Ref<MatrixXd>>(gram).solve(right);
}

/// Every token's F-weighted residual folded back onto the features: sum F (x M^T - wanted) x^T.
/// F = diag(w) - w w^T / |w|: what adds the same to all experts costs nothing. Where it changes the
/// choice, F = diag(w).
MatrixXd fold(const LayerProblem& problem,
              const MatrixXf& weight,
              const MatrixXd* matrix,
              int64_t n_thread) {
  const MatrixXf transposed =
      matrix == nullptr ? MatrixXf() : MatrixXf(matrix->cast<float>().transpose());
  std::vector<MatrixXf> sums((problem.n_fit + kBlock - 1) / kBlock);
  for_pieces(problem.n_fit, kBlock, n_thread, [&](int64_t begin, int64_t end) {
    const int64_t n = end - begin;
    const auto x = problem.features.middleRows(begin, n);
    const auto w = weight.middleRows(begin, n);
    MatrixXf r = matrix == nullptr ? MatrixXf(problem.wanted.middleRows(begin, n))
                                   : MatrixXf(x * transposed);
    if (problem.choice.ignores_shift()) {
      const VectorXf mean = w.cwiseProduct(r).rowwise().sum().cwiseQuotient(w.rowwise().sum());
      r.colwise() -= mean;
    }
    sums[begin / kBlock] = w.cwiseProduct(r).transpose() * x;
  });
  MatrixXd sum = MatrixXd::Zero(problem.n_expert(), problem.n_feature());
  for (const MatrixXf& part : sums) {
    sum += part.cast<double>();
  }
  return sum;
}

/// Puts the inputs to fit into coordinates in which they are uncorrelated: inverse * x.
void whiten(LayerProblem& problem, const MatrixXd& gram, int64_t n_thread, MatrixXd& inverse) {
  MatrixXd covariance = gram / to_double(problem.n_fit);
  covariance.diagonal().array() +=
      kMatrixRidge * covariance.trace() / to_double(problem.n_feature());
  const Eigen::LLT<Eigen::Ref<MatrixXd>> factor(covariance);
  inverse = MatrixXd::Identity(gram.rows(), gram.cols());
  for_pieces(problem.n_feature(), kTile, n_thread, [&](int64_t begin, int64_t end) {
    MatrixXd columns = inverse.middleCols(begin, end - begin);
    factor.matrixL().solveInPlace(columns);
    inverse.middleCols(begin, end - begin) = columns;
  });
  const MatrixXf transposed = inverse.cast<float>().transpose();
  for_pieces(problem.n_fit, kBlock, n_thread, [&](int64_t begin, int64_t end) {
    const TokenMatrix white = problem.features.middleRows(begin, end - begin) * transposed;
    problem.features.middleRows(begin, end - begin) = white;
  });
}

/// In white coordinates.
MatrixXd solve_matrix(const LayerProblem& problem, int64_t n_thread) {
  const double n_fit = to_double(problem.n_fit);
  const MatrixXf& weight = problem.border_weight;
  const double ridge = kMatrixRidge * weight.cast<double>().mean() * n_fit;
  MatrixXd matrix = MatrixXd::Zero(problem.n_expert(), problem.n_feature());
  MatrixXd residual = fold(problem, weight, nullptr, n_thread);
  MatrixXd direction = residual;
  double square = residual.squaredNorm();
  const double enough = kTolerance * kTolerance * square;
  for (int64_t step = 0; step < kMaxStep && square > enough; ++step) {
    const MatrixXd image = fold(problem, weight, &direction, n_thread) + ridge * direction;
    const double along = direction.cwiseProduct(image).sum();
    if (!(along > 0.0)) {
      break;
    }
    matrix += square / along * direction;
    residual -= square / along * image;
    const double next = residual.squaredNorm();
    direction = residual + next / square * direction;
    square = next;
  }
  return matrix;
}

/// The rank-R matrix whose pushes are nearest: projection on the R strongest directions in which
/// the pushes vary.
void truncate(const LayerProblem& problem,
              const MatrixXd& matrix,
              const MatrixXd& gram,
              int64_t rank,
              LayerUpdate& layer) {
  const Eigen::SelfAdjointEigenSolver<MatrixXd> solver(matrix * gram * matrix.transpose());
  const MatrixXd up = solver.eigenvectors().rightCols(rank);
  const MatrixXd down = up.transpose() * matrix;
  layer.rank = rank;
  for (int64_t e = 0; e < problem.n_expert(); ++e) {
    for (int64_t r = 0; r < rank; ++r) {
      layer.up.push_back(to_float(up(e, r)));
    }
  }
  for (int64_t r = 0; r < rank; ++r) {
    for (int64_t d = 0; d < problem.n_embd; ++d) {
      layer.down.push_back(to_float(down(r, d)));
    }
  }
  if (problem.has_constant) {
    const VectorXd shift = up * down.col(problem.n_embd) * problem.constant;
    layer.shift.assign(shift.data(), shift.data() + shift.size());
  }
}

LayerUpdate finish(const LayerProblem& problem,
                   const Solution& solution,
                   const MatrixXd& gram,
                   int64_t rank) {
  LayerUpdate layer;
  layer.method = solution.method;
  truncate(problem, solution.values, gram, rank, layer);
  layer.quality = measure(problem, layer);
  return layer;
}

/// Where the token decides, all fits choose the same.
bool is_better(const LayerProblem& problem, const FitQuality& a, const FitQuality& b) {
  return problem.choice.is_by_token ? a.ratio_spread < b.ratio_spread
                                    : a.same_experts > b.same_experts;
}

/// One direction for each push, at three ridges and by two rules.
std::vector<Solution> fit_directions(const LayerProblem& problem,
                                     const MatrixXd& plain,
                                     int64_t n_thread) {
  const std::array<double, 3> ridges = {1e-4, 1e-3, 1e-2};
  const VectorXf even = VectorXf::Ones(problem.n_fit);
  const MatrixXd weighted = gram_of(problem, problem.token_weight, n_thread);
  std::vector<Solution> solutions(2 * ridges.size());
  for_pieces(std::ssize(solutions), 1, n_thread, [&](int64_t i, int64_t) {
    const bool is_flat = i % 2 == 0;
    Solution& solution = solutions[i];
    solution.method = is_flat ? "constant" : "spread";
    solution.values = MatrixXd::Zero(problem.n_expert(), problem.n_feature());
    for (const SigmaPush& push : problem.pushes) {
      const VectorXf sigma = push.sigma.head(problem.n_fit);
      const VectorXf constant = VectorXf::Constant(problem.n_fit, sigma.mean());
      const VectorXd along =
          is_flat ? regress(problem, plain, even, constant, ridges[i / 2])
                  : regress(problem, weighted, problem.token_weight, sigma, ridges[i / 2]);
      solution.values += push.steer.cast<double>() * along.transpose();
    }
  });
  return solutions;
}

}  // namespace

int64_t fit_bytes(int64_t n_token, int64_t n_embd, int64_t n_expert) {
  constexpr int64_t kSquares = 9;  // Gram matrices and copies of them, in double precision
  const int64_t n_feature = n_embd + 1;
  const int64_t n_block = n_token / kBlock + 1;
  return 4 * n_token * (n_feature + 3 * n_expert) + 8 * kSquares * n_feature * n_feature +
         4 * n_block * n_expert * n_feature;
}

LayerUpdate fit_layer(RouterSamples samples,
                      const Mask& mask,
                      int64_t i_layer,
                      double alpha,
                      const FitOptions& options) {
  LayerProblem problem = make_problem(samples, mask, i_layer, alpha, options);
  samples = {};
  LayerUpdate best;
  const bool is_constant = mask.parts.empty() && mask.sigma_rule == SigmaRule::kCalibrated;
  if (options.may_shift && is_constant) {
    best.method = "bias";
    for (const float s : problem.pushes.front().steer) {
      best.shift.push_back(s * mask.sigma[i_layer]);
    }
    best.quality = measure(problem, best);
    best.i_layer = i_layer;
    return best;
  }
  const MatrixXd plain = gram_of(problem, VectorXf::Ones(problem.n_fit), options.n_thread);
  const auto consider = [&](const Solution& solution, int64_t rank) {
    LayerUpdate layer = finish(problem, solution, plain, rank);
    if (best.method.empty() || is_better(problem, layer.quality, best.quality)) {
      best = std::move(layer);
    }
  };
  const int64_t rank = std::min({options.rank, problem.n_expert(), problem.n_embd});
  for (const Solution& solution : fit_directions(problem, plain, options.n_thread)) {
    consider(solution, std::min(std::ssize(problem.pushes), rank));
  }
  if (rank > 1) {
    MatrixXd inverse;
    whiten(problem, plain, options.n_thread, inverse);
    const MatrixXd matrix = solve_matrix(problem, options.n_thread);
    consider({matrix * inverse, "matrix"}, rank);
    if (best.quality.same_experts < kGoodEnough) {
      const MatrixXf refined = refine_choice(problem, matrix.cast<float>(), options.n_thread);
      consider({refined.cast<double>() * inverse, "choice"}, rank);
    }
  }
  best.i_layer = i_layer;
  return best;
}

}  // namespace mascing
