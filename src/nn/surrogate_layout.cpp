// One table of names and axes; sizes, offsets and initial values follow from it.
#include "nn/surrogate_layout.h"

#include <algorithm>
#include <cmath>

#include "base/numeric.h"
#include "base/random.h"
#include "mascing/error.h"

namespace mascing {
namespace {

/// Far above any real model (128 experts, 100 layers), and low enough for products to fit.
constexpr int64_t kMaxWidth = int64_t{1} << 20;
constexpr int64_t kMaxParameters = int64_t{1} << 32;

void check_shape(const SurrogateShape& shape) {
  for (int64_t size : {shape.n_layer, shape.n_expert, shape.n_proj, shape.n_hidden}) {
    if (size < 1 || size > kMaxWidth) {
      throw Error(ErrorKind::kBadInput,
                  "[surrogate] impossible size, layers x experts x projection x hidden = " +
                      std::to_string(shape.n_layer) + " x " + std::to_string(shape.n_expert) +
                      " x " + std::to_string(shape.n_proj) + " x " +
                      std::to_string(shape.n_hidden));
    }
  }
}

/// Half width of the uniform distribution a tensor starts from, or a constant value.
struct InitialRange {
  double centre = 0.0;
  double half_width = 0.0;
};

InitialRange initial_range(const std::string& name, const SurrogateShape& shape) {
  if (name == "ln_gain") {
    return {1.0, 0.0};
  }
  if (name == "ln_bias") {
    return {0.0, 0.0};
  }
  const bool is_proj = name.starts_with("proj_");
  return {0.0, 1.0 / std::sqrt(to_double(is_proj ? shape.n_expert : shape.n_hidden))};
}

}  // namespace

std::vector<TensorSpec> surrogate_tensors(const SurrogateShape& shape) {
  check_shape(shape);
  const int64_t n_gate = 4 * shape.n_hidden;
  std::vector<TensorSpec> tensors = {
      {"ln_gain", {shape.n_expert}},
      {"ln_bias", {shape.n_expert}},
      {"proj_weight", {shape.n_proj, shape.n_expert}},
      {"proj_bias", {shape.n_proj}},
      {"lstm_weight_ih", {n_gate, shape.n_layer * shape.n_proj}},
      {"lstm_weight_hh", {n_gate, shape.n_hidden}},
      {"lstm_bias_ih", {n_gate}},
      {"lstm_bias_hh", {n_gate}},
      {"out_weight", {shape.n_hidden}},
      {"out_bias", {1}},
  };
  int64_t offset = 0;
  for (TensorSpec& tensor : tensors) {
    tensor.offset = offset;
    // At most two axes of at most 2^40 and 2^22: the product fits.
    tensor.size = tensor.dims[0] * (tensor.dims.size() > 1 ? tensor.dims[1] : 1);
    offset += tensor.size;
    if (offset > kMaxParameters) {
      throw Error(ErrorKind::kBadInput,
                  "[surrogate] too many parameters, at tensor " + tensor.name);
    }
  }
  return tensors;
}

int64_t surrogate_size(const SurrogateShape& shape) {
  const TensorSpec last = surrogate_tensors(shape).back();
  return last.offset + last.size;
}

std::vector<float> initial_surrogate(const SurrogateShape& shape, uint64_t seed) {
  std::vector<float> values(surrogate_size(shape));
  Rng rng(seed);
  for (const TensorSpec& tensor : surrogate_tensors(shape)) {
    const InitialRange range = initial_range(tensor.name, shape);
    std::generate_n(values.begin() + tensor.offset, tensor.size, [&] {
      return to_float(range.centre + range.half_width * (2.0 * rng.uniform() - 1.0));
    });
  }
  return values;
}

void check_surrogate(const Surrogate& surrogate) {
  const int64_t n_expected = surrogate_size(surrogate.shape);
  const int64_t n_value = std::ssize(surrogate.values);
  if (n_value != n_expected) {
    throw Error(ErrorKind::kBadInput,
                "[surrogate] wrong number of parameters, expected " + std::to_string(n_expected) +
                    ", got " + std::to_string(n_value));
  }
  for (float value : surrogate.values) {
    if (!std::isfinite(value)) {
      throw Error(ErrorKind::kBadInput,
                  "[surrogate] a parameter is not finite",
                  "train it again, with a lower learning rate if that happens again");
    }
  }
}

template <typename Scalar>
SurrogateView<Scalar>::SurrogateView(const SurrogateShape& shape, Scalar* values) {
  const std::vector<TensorSpec> tensors = surrogate_tensors(shape);
  Scalar** const fields[] = {&ln_gain,
                             &ln_bias,
                             &proj_weight,
                             &proj_bias,
                             &lstm_weight_ih,
                             &lstm_weight_hh,
                             &lstm_bias_ih,
                             &lstm_bias_hh,
                             &out_weight,
                             &out_bias};
  for (size_t i = 0; i < tensors.size(); ++i) {
    *fields[i] = values + tensors[i].offset;
  }
}

template struct SurrogateView<float>;
template struct SurrogateView<double>;
template struct SurrogateView<const float>;
template struct SurrogateView<const double>;

}  // namespace mascing
