// Derivatives of one prompt's outcome by the entries of a mask: exact, and as differences of the
// same outcome under masks that are moved.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/random.h"
#include "demo.h"
#include "mascing/error.h"
#include "mascing/host.h"
#include "mascing/llama_host.h"

namespace mascing {

/// A host that differentiates, on one thread.
inline std::unique_ptr<Host> open_differentiable(const std::string& path) {
  LlamaHostOptions options;
  options.path = path;
  options.n_thread = 1;
  options.n_parallel = 4;
  options.n_batch = 256;
  options.n_context = 512;
  options.is_differentiable = true;
  return open_llama_host(options);
}

/// Normal entries of size `scale` in every layer.
inline std::shared_ptr<Mask> normal_mask(const ModelInfo& info,
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

/// Weighted log-probabilities of the openings, and of the divergence.
inline Outcome weighted(std::vector<double> weights, double of_divergence = 0.0) {
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

inline SteerGradient gradient_of(Host& host, const GradientRequest& request) {
  auto result = host.gradients({request}).at(0);
  if (!result.ok()) {
    throw Error(ErrorKind::kHost, result.error);
  }
  return std::move(result.value);
}

/// Value of the first outcome with one entry moved by `step`.
inline double moved_value(Host& host, GradientRequest request, size_t entry, double step) {
  auto mask = std::make_shared<Mask>(*request.steering.mask);
  mask->steer[entry] += static_cast<float>(step);
  const double moved = static_cast<double>(mask->steer[entry]) - request.steering.mask->steer[entry];
  (void)moved;
  request.steering.mask = mask;
  const Outcome outcome = request.outcomes.at(0);
  request.outcomes.clear();
  const SteerGradient gradient = gradient_of(host, request);
  OpeningScores unused = gradient.scores;
  return outcome(gradient.scores, unused);
}

}  // namespace mascing
