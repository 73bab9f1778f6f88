// One pass over the parameters.
#include "nn/adam.h"

#include <cmath>

#include "base/numeric.h"

namespace mascing::nn {

template <typename Scalar>
void Adam<Scalar>::step(const Scalar* d_values, Scalar* values) {
  advance(d_values, 0.0, values);
}

template <typename Scalar>
void Adam<Scalar>::proximal_step(const Scalar* d_values, double lambda, Scalar* values) {
  advance(d_values, lambda, values);
}

template <typename Scalar>
void Adam<Scalar>::advance(const Scalar* d_values, double lambda, Scalar* values) {
  ++n_step_;
  const double t = to_double(n_step_);
  const auto rounded = [](double x) { return static_cast<Scalar>(x); };
  const Scalar step_size = rounded(options_.learning_rate / (1.0 - std::pow(options_.beta1, t)));
  const Scalar root_scale = rounded(1.0 / std::sqrt(1.0 - std::pow(options_.beta2, t)));
  const Scalar beta1 = rounded(options_.beta1);
  const Scalar beta2 = rounded(options_.beta2);
  const Scalar share1 = rounded(1.0 - options_.beta1);
  const Scalar share2 = rounded(1.0 - options_.beta2);
  const Scalar eps = rounded(options_.eps);
  const Scalar pull = rounded(options_.learning_rate * lambda);
  for (size_t i = 0; i < mean_.size(); ++i) {
    const Scalar d = d_values[i];
    mean_[i] = beta1 * mean_[i] + share1 * d;
    square_[i] = beta2 * square_[i] + share2 * d * d;
    const Scalar spread = std::sqrt(square_[i]) * root_scale + eps;
    values[i] -= step_size * mean_[i] / spread;
    if (pull > Scalar(0)) {
      const Scalar left = std::abs(values[i]) - pull / spread;
      values[i] = left <= Scalar(0) ? Scalar(0) : std::copysign(left, values[i]);  // NaN stays
    }
  }
}

template class Adam<float>;
template class Adam<double>;

}  // namespace mascing::nn
