// Which experts cause a behaviour: random masks +S and -S are laid on the model, half the
// difference of what they do is regressed on S by ridge least squares. The coefficient of an expert
// is the change of the outcome, in nats, per unit of its entry.
#pragma once

#include <cstdint>
#include <vector>

namespace mascing {

/// Effects of d mask entries on one outcome.
struct EffectMap {
  std::vector<double> effect;          ///< [d]
  std::vector<double> standard_error;  ///< [d]
  std::vector<double> q_value;         ///< [d] Benjamini-Hochberg, two-sided
  double r2 = 0.0;                     ///< leave-one-out: share of the variance that is explained
  double ridge = 0.0;                  ///< the penalty that leaves the smallest such error
  int64_t n = 0;                       ///< paired interventions

  /// Number of entries with a q-value up to `level`.
  [[nodiscard]] int64_t n_significant(double level = 0.05) const;
};

/// `design` [n, d], `response` [n]. Throws Error{kInsufficient} for n < 3.
[[nodiscard]] EffectMap fit_effects(const std::vector<float>& design,
                                    const std::vector<double>& response,
                                    int64_t d);

}  // namespace mascing
