// Running ridge regression of one set's loss on random perturbations of S, and the running value of
// the set at S itself. Both forget: older answers were given around an older S.
#pragma once

#include <cstdint>
#include <vector>

#include <Eigen/Core>

namespace mascing {

class LoopRegression {
 public:
  /// Of d free entries.
  explicit LoopRegression(int64_t d)
      : gram_(Eigen::MatrixXd::Zero(d, d)), moment_(Eigen::VectorXd::Zero(d)) {}

  /// All answers so far weigh `memory` (0 .. 1) times as much.
  void fade(double memory);
  /// The losses of one item under S + e and S - e; e [d] in units.
  void add_pair(const std::vector<float>& e, double loss_plus, double loss_minus);
  /// The value of one item at S.
  void add_value(double value);

  /// Gradient of the loss by S, per unit of each entry, [d]; `ridge` is added to the diagonal.
  [[nodiscard]] Eigen::VectorXd gradient(double ridge) const;
  /// Mean value at S; 0 before the first.
  [[nodiscard]] double mean_value() const { return weight_ > 0.0 ? value_ / weight_ : 0.0; }
  /// Root mean square of half of what a pair of masks does to the loss; 1 before the first pair.
  [[nodiscard]] double scatter() const;

 private:
  Eigen::MatrixXd gram_;  // lower triangle
  Eigen::VectorXd moment_;
  double value_ = 0.0;
  double weight_ = 0.0;
  double square_ = 0.0;  // sum of squared half differences of the loss
  double n_pair_ = 0.0;
};

}  // namespace mascing
