// Derivatives of one prompt's outcome by the entries of a mask: exact, and as differences of the
// same outcome under masks that are moved.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "mascing/host.h"

namespace mascing {

/// A host that differentiates, on one thread.
std::unique_ptr<Host> open_differentiable(const std::string& path);

/// Normal entries of size `scale` in every layer.
std::shared_ptr<Mask> normal_mask(const ModelInfo& info,
                                  SigmaRule rule,
                                  float scale,
                                  uint64_t seed);

/// S is zero, the adapter has normal entries in every layer.
std::shared_ptr<Mask> normal_adapter(const ModelInfo& info, int64_t rank, uint64_t seed);

/// Weighted log-probabilities of the openings, plus the weighted divergence.
Outcome weighted(std::vector<double> weights, double of_divergence = 0.0);

/// A prompt of random tokens with openings that share a prefix; without swaps.
GradientRequest random_request(const ModelInfo& info, SigmaRule rule);

/// Throws Error{kHost} with the reason if there is no gradient.
SteerGradient gradient_of(Host& host, const GradientRequest& request);

/// Exact derivatives against central differences of fourth order.
struct DerivativeCheck {
  int64_t n_entry = 0;
  int64_t n_smooth = 0;  ///< entries without a swap of experts near the mask: the others have none
  double largest = 0.0;  ///< derivative
  double worst = 0.0;    ///< error of an entry, as a share of the largest derivative
  double error = 0.0;    ///< length of the error over that of the differences
};
DerivativeCheck check_derivatives(Host& host, const GradientRequest& request);

}  // namespace mascing
