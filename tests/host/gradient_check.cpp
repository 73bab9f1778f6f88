#include "gradient_check.h"

#include <cmath>

#include "base/random.h"
#include "demo.h"
#include "mascing/error.h"
#include "mascing/llama_host.h"

namespace mascing {
namespace {

constexpr float kStep = 0.02F;
constexpr double kSwap = 0.02;  ///< relative change of a difference with its step that tells a swap
constexpr double kFloor = 0.05;

/// Value of the first outcome with one entry moved.
double moved_value(Host& host, GradientRequest request, size_t entry, float step) {
  auto mask = std::make_shared<Mask>(*request.steering.mask);
  mask->values()[entry] += step;
  request.steering.mask = mask;
  const Outcome outcome = request.outcomes.at(0);
  request.outcomes.clear();
  const SteerGradient gradient = gradient_of(host, request);
  OpeningScores unused = gradient.scores;
  return outcome(gradient.scores, unused);
}

double difference(Host& host, const GradientRequest& request, size_t entry, float step) {
  const double ahead = moved_value(host, request, entry, step);
  return (ahead - moved_value(host, request, entry, -step)) / (2.0 * static_cast<double>(step));
}

}  // namespace

std::unique_ptr<Host> open_differentiable(const std::string& path) {
  LlamaHostOptions options;
  options.path = path;
  options.n_thread = 1;
  options.n_parallel = 4;
  options.n_batch = 256;
  options.n_context = 512;
  options.has_full_precision = true;
  return open_llama_host(options);
}

std::shared_ptr<Mask> normal_mask(const ModelInfo& info,
                                  SigmaRule rule,
                                  float scale,
                                  uint64_t seed) {
  auto mask = std::make_shared<Mask>(zero_mask(info));
  Rng rng(seed);
  for (float& entry : mask->steer) {
    entry = scale * static_cast<float>(rng.normal());
  }
  for (float& sigma : mask->sigma) {
    sigma = 0.8F + 0.1F * static_cast<float>(rng.normal());
  }
  mask->sigma_rule = rule;
  return mask;
}

std::shared_ptr<Mask> normal_adapter(const ModelInfo& info, int64_t rank, uint64_t seed) {
  auto mask = std::make_shared<Mask>(zero_mask(info));
  Rng rng(seed);
  std::vector<float> down(info.n_layer * rank * info.n_embd);
  for (float& value : down) {
    value = 0.3F * static_cast<float>(rng.normal());
  }
  mask->adapter.rank = rank;
  mask->adapter.n_embd = info.n_embd;
  mask->adapter.down = std::make_shared<const AdapterDown>(std::move(down));
  mask->adapter.up.resize(info.n_layer * rank * info.n_expert);
  for (float& value : mask->adapter.up) {
    value = 0.1F * static_cast<float>(rng.normal());
  }
  return mask;
}

Outcome weighted(std::vector<double> weights, double of_divergence) {
  return [=](const OpeningScores& scores, OpeningScores& d_scores) {
    double value = of_divergence * scores.divergence;
    d_scores.divergence = of_divergence;
    for (size_t i = 0; i < weights.size(); ++i) {
      value += weights[i] * scores.log_prob[i];
      d_scores.log_prob[i] = weights[i];
    }
    return value;
  };
}

GradientRequest random_request(const ModelInfo& info, SigmaRule rule) {
  GradientRequest request;
  Rng rng(7);
  for (int i = 0; i < 14; ++i) {
    request.tokens.push_back(static_cast<int32_t>(rng.below(96)));
  }
  using TokenLists = std::vector<std::vector<int32_t>>;
  request.openings = std::make_shared<TokenLists>(TokenLists{{5}, {7, 9}, {7, 11, 30}});
  request.steering = {normal_mask(info, rule, 0.2F, 3), 0.7F};
  request.outcomes = {weighted({1.0, -0.5, 0.3})};
  request.swap.width = 0.0;
  return request;
}

SteerGradient gradient_of(Host& host, const GradientRequest& request) {
  auto result = host.gradients({request}).at(0);
  if (!result.ok()) {
    throw Error(ErrorKind::kHost, result.error);
  }
  return std::move(result.value);
}

DerivativeCheck check_derivatives(Host& host, const GradientRequest& request) {
  const std::vector<float> exact = gradient_of(host, request).d_steer.at(0);
  DerivativeCheck check;
  check.n_entry = std::ssize(exact);
  for (const float derivative : exact) {
    check.largest = std::max(check.largest, std::fabs(static_cast<double>(derivative)));
  }
  double square = 0.0;
  double d_square = 0.0;
  for (size_t i = 0; i < exact.size(); ++i) {
    const double near = difference(host, request, i, kStep);
    const double far = difference(host, request, i, 2.0F * kStep);
    if (std::fabs(near - far) > kSwap * (std::fabs(near) + kFloor * check.largest)) {
      continue;
    }
    const double expected = (4.0 * near - far) / 3.0;
    const double off = std::fabs(expected - exact[i]);
    ++check.n_smooth;
    check.worst = std::max(check.worst, off / check.largest);
    square += expected * expected;
    d_square += off * off;
  }
  check.error = std::sqrt(d_square / square);
  return check;
}

}  // namespace mascing
