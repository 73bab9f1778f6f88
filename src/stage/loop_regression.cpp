// The normal equations are kept, not the answers: a step costs one rank-one update per pair and one
// factorisation per set.
#include "stage/loop_regression.h"

#include <cmath>

#include <Eigen/Dense>

namespace mascing {

void LoopRegression::fade(double memory) {
  gram_ *= memory;
  moment_ *= memory;
  value_ *= memory;
  weight_ *= memory;
  square_ *= memory;
  n_pair_ *= memory;
}

void LoopRegression::add_pair(const std::vector<float>& e, double loss_plus, double loss_minus) {
  const Eigen::VectorXd x =
      Eigen::Map<const Eigen::VectorXf>(e.data(), std::ssize(e)).cast<double>();
  gram_.selfadjointView<Eigen::Lower>().rankUpdate(x);
  const double half = (loss_plus - loss_minus) / 2.0;
  moment_ += x * half;
  square_ += half * half;
  n_pair_ += 1.0;
}

void LoopRegression::add_value(double value) {
  value_ += value;
  weight_ += 1.0;
}

Eigen::VectorXd LoopRegression::gradient(double ridge) const {
  Eigen::MatrixXd gram = gram_.selfadjointView<Eigen::Lower>();
  gram.diagonal().array() += ridge;
  return gram.ldlt().solve(moment_);
}

double LoopRegression::scatter() const {
  return n_pair_ > 0.0 ? std::sqrt(square_ / n_pair_) : 1.0;
}

}  // namespace mascing
