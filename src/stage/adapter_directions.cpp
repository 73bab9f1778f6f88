#include "stage/adapter_directions.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <numeric>
#include <utility>

#include "base/numeric.h"

#include <Eigen/Core>
#include <Eigen/Eigenvalues>
#include <Eigen/QR>

namespace mascing {
namespace {

constexpr double kLeastSquare = 1e-8;  // of the longest direction's: below it is rounding
constexpr double kLeastShare = 0.01;  // of the layer's mean: components that are nearly silent

using InputRows = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using InputMap = Eigen::Map<const InputRows>;

/// The rows of all sets by the components that `scale` [D] makes alike, [n, D]; the squares of a
/// set's sum up to its weight.
Eigen::MatrixXd weighted_rows(const std::vector<WeightSlopes>& sets, const Eigen::VectorXf& scale) {
  const int64_t n_embd = scale.size();
  Eigen::MatrixXd all(0, n_embd);
  for (const WeightSlopes& set : sets) {
    const InputMap rows(set.rows.data(), std::ssize(set.rows) / n_embd, n_embd);
    Eigen::MatrixXd scaled = rows.cast<double>() * scale.cast<double>().asDiagonal();
    const double length = scaled.norm();
    if (length > 0.0) {
      scaled *= std::sqrt(set.weight) / length;
      all.conservativeResize(all.rows() + scaled.rows(), Eigen::NoChange);
      all.bottomRows(scaled.rows()) = scaled;
    }
  }
  return all;
}

/// The right singular vectors of `rows` [n, D] with the largest values, [D, at most `n_most`]. From
/// the products of rows, which are fewer than components where models are wide.
Eigen::MatrixXf longest_directions(const Eigen::MatrixXd& rows, int64_t n_most) {
  if (rows.rows() == 0) {
    return {rows.cols(), 0};
  }
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(rows * rows.transpose());
  const Eigen::VectorXd& squares = solver.eigenvalues();  // ascending
  int64_t n = 0;
  while (n < std::min<int64_t>(n_most, squares.size()) &&
         squares[squares.size() - 1 - n] > kLeastSquare * squares[squares.size() - 1]) {
    ++n;
  }
  const Eigen::MatrixXd left = solver.eigenvectors().rightCols(n).rowwise().reverse();
  return (rows.transpose() * left).colwise().normalized().cast<float>();
}

}  // namespace

RouterInputs::RouterInputs(int64_t rank, int64_t n_embd, uint64_t seed)
    : rank_(rank), n_embd_(n_embd), rng_(seed), squares_(n_embd, 0.0), kept_(rank * n_embd, 0.0F) {}

// Each kept row is that of a token drawn evenly from all (reservoir sampling).
void RouterInputs::add(const float* input) {
  for (int64_t d = 0; d < n_embd_; ++d) {
    squares_[d] += to_scalar<double>(input[d]) * input[d];
  }
  const int64_t n_before = n_token_++;
  const int64_t place = n_before < rank_ ? n_before : rng_.below(n_before + 1);
  if (place < rank_) {
    std::copy_n(input, n_embd_, kept_.begin() + place * n_embd_);
  }
}

std::vector<float> RouterInputs::scales(float sigma) const {
  std::vector<double> rms;
  rms.reserve(squares_.size());
  for (const double square : squares_) {
    rms.push_back(std::sqrt(square / to_double(std::max<int64_t>(1, n_token_))));
  }
  const double mean = std::accumulate(rms.begin(), rms.end(), 0.0) / to_double(n_embd_);
  const double least = std::max(kLeastShare * mean, 1e-12);
  std::vector<float> scales;
  scales.reserve(rms.size());
  for (const double value : rms) {
    scales.push_back(to_float(sigma / std::max(value, least)));
  }
  return scales;
}

std::vector<float> RouterInputs::directions(float sigma,
                                            const std::vector<WeightSlopes>& sets) const {
  const std::vector<float> factors = scales(sigma);
  const Eigen::Map<const Eigen::VectorXf> scale(factors.data(), n_embd_);
  InputRows rows;
  if (rank_ == n_embd_) {
    rows = scale.asDiagonal().toDenseMatrix();
  } else {
    const Eigen::MatrixXf longest = longest_directions(weighted_rows(sets, scale), rank_);
    const InputMap kept(kept_.data(), rank_, n_embd_);
    Eigen::MatrixXf spanning(n_embd_, longest.cols() + rank_);
    spanning << longest, (kept * scale.asDiagonal()).transpose();
    const Eigen::MatrixXf basis = Eigen::HouseholderQR<Eigen::MatrixXf>(spanning).householderQ() *
                                  Eigen::MatrixXf::Identity(n_embd_, rank_);
    rows = basis.transpose() * scale.asDiagonal();
  }
  return {rows.data(), rows.data() + rows.size()};
}

Mask with_least_rank(Mask mask) {
  const RouterAdapter wide = std::move(mask.adapter);
  const int64_t n_expert = mask.n_expert;
  if (wide.rank <= n_expert) {
    mask.adapter = wide;
    return mask;
  }
  std::vector<float> down;
  RouterAdapter& narrow = mask.adapter = {n_expert, wide.n_embd, nullptr, {}};
  for (int64_t l = 0; l < mask.n_layer; ++l) {
    const InputMap up(wide.up_of(l, n_expert), wide.rank, n_expert);
    const InputMap inputs(wide.down_row(l, 0), wide.rank, wide.n_embd);
    const Eigen::VectorXf lengths = up.colwise().norm();
    const InputRows rows =
        lengths.cwiseMax(1e-30F).cwiseInverse().asDiagonal() * (up.transpose() * inputs);  // [E, D]
    const InputRows diagonal = lengths.asDiagonal().toDenseMatrix();
    down.insert(down.end(), rows.data(), rows.data() + rows.size());
    narrow.up.insert(narrow.up.end(), diagonal.data(), diagonal.data() + diagonal.size());
  }
  narrow.down = std::make_shared<const std::vector<float>>(std::move(down));
  return mask;
}

}  // namespace mascing
