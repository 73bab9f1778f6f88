// Least squares of three kinds on the inputs of one router. The matrix is found by conjugate
// gradients in whitened coordinates, in which a few dozen steps are enough.
#include <algorithm>
#include <cmath>
#include <numeric>

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
constexpr int64_t kMaxStep = 60;
constexpr double kTolerance = 1e-3;
constexpr double kMatrixRidge = 1e-3;
constexpr double kGoodEnough = 0.99;  // share of tokens with the same experts

/// What is solved for: a matrix over the inputs and, if the router has a bias, a constant 1.
struct Solution {
  MatrixXd values;  ///< [E, F]
  std::string method;
};

MatrixXd gram_of(const LayerProblem& problem, const VectorXf& weight) {
  MatrixXd gram = MatrixXd::Zero(problem.n_feature(), problem.n_feature());
  for (int64_t begin = 0; begin < problem.n_fit; begin += kBlock) {
    const int64_t n = std::min(kBlock, problem.n_fit - begin);
    MatrixXd block = problem.features.middleRows(begin, n).cast<double>();
    const VectorXd root = weight.segment(begin, n).cast<double>().cwiseSqrt();
    block.array().colwise() *= root.array();
    gram.selfadjointView<Eigen::Lower>().rankUpdate(block.transpose());
  }
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
  gram.diagonal().array() += ridge * gram.trace() / to_double(problem.n_feature());
  return gram.ldlt().solve(right);
}

/// Every token's F-weighted residual folded back onto the features: sum F (x M^T - wanted) x^T.
/// F = diag(w) - w w^T / |w|: what adds the same to all experts costs nothing.
MatrixXd fold(const LayerProblem& problem,
              const MatrixXf& white,
              const MatrixXf& weight,
              const MatrixXd* matrix) {
  MatrixXd sum = MatrixXd::Zero(problem.n_expert(), white.cols());
  const MatrixXf transposed =
      matrix == nullptr ? MatrixXf() : MatrixXf(matrix->cast<float>().transpose());
  for (int64_t begin = 0; begin < problem.n_fit; begin += kBlock) {
    const int64_t n = std::min(kBlock, problem.n_fit - begin);
    const auto x = white.middleRows(begin, n);
    const auto w = weight.middleRows(begin, n);
    MatrixXf r = matrix == nullptr
                     ? MatrixXf(problem.sigma.segment(begin, n) * problem.steer.transpose())
                     : MatrixXf(x * transposed);
    const VectorXf mean = w.cwiseProduct(r).rowwise().sum().cwiseQuotient(w.rowwise().sum());
    r.colwise() -= mean;
    sum += (w.cwiseProduct(r).transpose() * x).cast<double>();
  }
  return sum;
}

/// The inputs to fit, [n_fit, F], in coordinates in which they are uncorrelated: inverse * x.
MatrixXf whiten(const LayerProblem& problem, const MatrixXd& gram, MatrixXd& inverse) {
  MatrixXd covariance = gram / to_double(problem.n_fit);
  covariance.diagonal().array() +=
      kMatrixRidge * covariance.trace() / to_double(problem.n_feature());
  const Eigen::LLT<MatrixXd> factor(covariance);
  inverse = factor.matrixL().solve(MatrixXd::Identity(covariance.rows(), covariance.cols()));
  return problem.features.topRows(problem.n_fit) * inverse.cast<float>().transpose();
}

/// In white coordinates.
MatrixXd solve_matrix(const LayerProblem& problem, const MatrixXf& white) {
  const double n_fit = to_double(problem.n_fit);
  const MatrixXf& weight = problem.border_weight;
  const double ridge = kMatrixRidge * weight.cast<double>().mean() * n_fit;
  MatrixXd matrix = MatrixXd::Zero(problem.n_expert(), problem.n_feature());
  MatrixXd residual = fold(problem, white, weight, nullptr);
  MatrixXd direction = residual;
  double square = residual.squaredNorm();
  const double enough = kTolerance * kTolerance * square;
  for (int64_t step = 0; step < kMaxStep && square > enough; ++step) {
    const MatrixXd image = fold(problem, white, weight, &direction) + ridge * direction;
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

bool is_better(const FitQuality& a, const FitQuality& b) {
  return a.same_experts > b.same_experts;
}

}  // namespace

LayerUpdate fit_layer(const RouterSamples& samples,
                      const Mask& mask,
                      int64_t i_layer,
                      double alpha,
                      const FitOptions& options) {
  const LayerProblem problem = make_problem(samples, mask, i_layer, alpha, options.may_shift);
  LayerUpdate best;
  if (options.may_shift && mask.sigma_rule == SigmaRule::kCalibrated) {
    best.method = "bias";
    for (const float s : problem.steer) {
      best.shift.push_back(s * mask.sigma[i_layer]);
    }
    best.quality = measure(problem, best);
    best.i_layer = i_layer;
    return best;
  }
  const VectorXf even = VectorXf::Ones(problem.n_fit);
  const MatrixXd plain = gram_of(problem, even);
  const MatrixXd weighted = gram_of(problem, problem.token_weight);
  const VectorXf constant =
      VectorXf::Constant(problem.n_fit, problem.sigma.head(problem.n_fit).mean());
  const auto consider = [&](const Solution& solution, int64_t rank) {
    LayerUpdate layer = finish(problem, solution, plain, rank);
    if (best.method.empty() || is_better(layer.quality, best.quality)) {
      best = std::move(layer);
    }
  };
  const VectorXd steer = problem.steer.cast<double>();
  for (const double ridge : {1e-4, 1e-3, 1e-2}) {
    const VectorXd flat = regress(problem, plain, even, constant, ridge);
    consider({steer * flat.transpose(), "constant"}, 1);
    const VectorXd bent =
        regress(problem, weighted, problem.token_weight, problem.sigma.head(problem.n_fit), ridge);
    consider({steer * bent.transpose(), "spread"}, 1);
  }
  const int64_t rank = std::min({options.rank, problem.n_expert(), problem.n_embd});
  if (rank > 1) {
    MatrixXd inverse;
    const MatrixXf white = whiten(problem, plain, inverse);
    const MatrixXd matrix = solve_matrix(problem, white);
    consider({matrix * inverse, "matrix"}, rank);
    if (best.quality.same_experts < kGoodEnough) {
      const MatrixXf refined = refine_choice(problem, white, matrix.cast<float>());
      consider({refined.cast<double>() * inverse, "choice"}, rank);
    }
  }
  best.i_layer = i_layer;
  return best;
}

}  // namespace mascing
