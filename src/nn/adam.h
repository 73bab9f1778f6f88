// Adam (Kingma & Ba 2015, algorithm 1), with the bias correction and the place of eps as in
// PyTorch:
//   p -= rate / (1 - b1^t) * m / (sqrt(v) / sqrt(1 - b2^t) + eps).
#pragma once

#include <cstdint>
#include <vector>

namespace mascing::nn {

struct AdamOptions {
  double learning_rate = 1e-3;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double eps = 1e-8;
};

template <typename Scalar>
class Adam {
 public:
  Adam(int64_t n_value, const AdamOptions& options)
      : options_(options), mean_(n_value, Scalar(0)), square_(n_value, Scalar(0)) {}

  /// One step on `values` along `d_values`, n_value numbers each.
  void step(const Scalar* d_values, Scalar* values);
  /// The same for a loss plus lambda |values|_1, of which d_values is the gradient without the L1
  /// term: after the step each number is moved towards 0 by lambda times its own step length, and
  /// stays at exactly 0 if it would cross it (the proximal step in Adam's metric).
  void proximal_step(const Scalar* d_values, double lambda, Scalar* values);

 private:
  void advance(const Scalar* d_values, double lambda, Scalar* values);

  AdamOptions options_;
  int64_t n_step_ = 0;
  std::vector<Scalar> mean_;    // running mean of the gradient
  std::vector<Scalar> square_;  // running mean of its square
};

}  // namespace mascing::nn
