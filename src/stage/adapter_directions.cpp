#include "stage/adapter_directions.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <numeric>
#include <utility>

#include "base/numeric.h"

#include <Eigen/Core>
#include <Eigen/QR>

namespace mascing {
namespace {

constexpr double kLeastShare = 0.01;  // of the layer's mean: components that are nearly silent

using InputRows = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using InputMap = Eigen::Map<const InputRows>;

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

std::vector<float> RouterInputs::directions(float sigma) const {
  const std::vector<float> factors = scales(sigma);
  const Eigen::Map<const Eigen::VectorXf> scale(factors.data(), n_embd_);
  InputRows rows;
  if (rank_ == n_embd_) {
    rows = scale.asDiagonal().toDenseMatrix();
  } else {
    const InputMap kept(kept_.data(), rank_, n_embd_);
    const Eigen::MatrixXf inputs = (kept * scale.asDiagonal()).transpose();  // [D, R]
    const Eigen::MatrixXf basis = Eigen::HouseholderQR<Eigen::MatrixXf>(inputs).householderQ() *
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
  narrow.down = std::make_shared<const AdapterDown>(std::move(down));
  return mask;
}

}  // namespace mascing
