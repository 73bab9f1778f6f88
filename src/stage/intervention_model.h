// The surrogate that sees interventions: it reads the unsteered routing of a conversation with a
// perturbed mask added, and learns from the model's answers by how much the two signs of a
// perturbation differ.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "mascing/mask.h"
#include "mascing/surrogate.h"
#include "mascing/trace_set.h"
#include "nn/adam.h"
#include "nn/batch_runner.h"
#include "stage/interventional.h"
#include "stage/perturbation.h"

namespace mascing {

/// A conversation under S + sign e.
struct Intervention {
  int64_t i_trace = 0;
  const std::vector<float>* centre = nullptr;  ///< S, [L, E]
  const std::vector<float>* e = nullptr;       ///< [d]
  float sign = 1.0F;                           ///< of the perturbation; 0 = without it
};

/// A perturbation of the S of a round, and what the model said to both its signs.
struct AskedPair {
  TracedItem item = {};
  std::shared_ptr<const std::vector<float>> centre = {};  ///< S, [L, E]
  std::vector<float> e = {};                              ///< [d]
  float level = 0.0F;                                     ///< mean margin
  float difference = 0.0F;                                ///< of the margins, minus sign first
};

/// Both signs of every pair, one after the other; the pairs must outlive them.
[[nodiscard]] std::vector<Intervention> both_signs(std::span<const AskedPair> pairs);

class InterventionModel {
 public:
  /// With random weights. `start`, `entries` and `traces` must outlive it.
  InterventionModel(const Mask& start,
                    const FreeEntries& entries,
                    const TraceSet& traces,
                    const InterventionalOptions& options);

  /// The log odds of the unwanted reply under each intervention.
  [[nodiscard]] std::vector<float> logits(const std::vector<Intervention>& interventions);

  /// One step of Adam on half the mean squared error of the expected differences.
  void learn(std::span<const AskedPair> pairs);

  [[nodiscard]] const Surrogate& surrogate() const { return surrogate_; }

 private:
  [[nodiscard]] nn::Batch<float> batch_of(const std::vector<Intervention>& interventions) const;
  void add_mask(const Intervention& intervention, float* z) const;

  const Mask& start_;
  const FreeEntries& entries_;
  const TraceSet& traces_;
  Surrogate surrogate_;
  nn::BatchRunner<float> runner_;
  nn::Adam<float> adam_;
};

}  // namespace mascing
