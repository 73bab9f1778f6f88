// Which experts, and which layers, cause a behaviour: random masks +S and -S are applied to the
// model, and half the difference of their outcomes is regressed on S by ridge least squares. The
// coefficient of an expert is the change of the outcome, in nats, per unit of its entry; that of a
// layer, per unit of length along the layer's own difference of routing.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "mascing/progress.h"
#include "stage/outcome.h"
#include "stage/perturbation.h"

namespace mascing {

/// Effects of d mask entries, or layers, on one outcome.
struct EffectMap {
  std::vector<double> effect;          ///< [d]
  std::vector<double> standard_error;  ///< [d]
  std::vector<double> q_value;         ///< [d] Benjamini-Hochberg, two-sided
  double r2 = 0.0;                     ///< leave-one-out share of explained variance
  double ridge = 0.0;                  ///< the penalty with the smallest leave-one-out error
  int64_t n = 0;                       ///< paired interventions

  /// Number of entries with a q-value up to `level`.
  [[nodiscard]] int64_t n_significant(double level = 0.05) const;
  /// Share of the variance between effects that is not measurement error, 0 .. 1.
  [[nodiscard]] double reliability() const;
};

/// Of an effect, normal; 1 for an effect without error.
[[nodiscard]] double two_sided_p(double effect, double standard_error);

/// Benjamini-Hochberg: q of the k-th smallest of d p-values is the least of p_j d / j, j >= k.
[[nodiscard]] std::vector<double> q_values(const std::vector<double>& p);

struct EffectOptions {
  uint64_t seed = 0;
  double perturbation = 0.4;        ///< of each entry, in sigma
  int64_t n_round = 512;            ///< paired interventions between two fits
  int64_t n_max = 2048;             ///< maximum number of paired interventions
  double reliability = 0.85;        ///< stop at this reliability
  std::string what = "effect map";  ///< in progress reports
  std::function<bool()> is_spent =
      {};  ///< true: stop with the fit so far; checked after each round
  Progress progress = {};
};

/// `design` [n, d], `response` [n]. Throws Error{kInsufficient} for n < 3.
[[nodiscard]] EffectMap fit_effects(const std::vector<float>& design,
                                    const std::vector<double>& response,
                                    int64_t d);

/// Applies random masks to the unsteered model, one conversation of set `i_set` for each pair,
/// until the effects of the free entries on its margin are known well enough. `base` as in
/// close_loop. Throws Error{kInsufficient} if the model answered too few questions.
[[nodiscard]] EffectMap measure_effects(const Mask& base,
                                        const FreeEntries& entries,
                                        const std::vector<OutcomeSet>& sets,
                                        int64_t i_set,
                                        const AskModel& ask,
                                        const EffectOptions& options);

/// Divides every layer's row of a matrix [L, E] by its Euclidean norm; zero rows are unchanged.
[[nodiscard]] std::vector<float> unit_rows(std::vector<float> matrix, int64_t n_expert);

/// `base` with every layer l moved by `by` [L] times its row of `directions` [L, E], at alpha 1.
[[nodiscard]] Steering moved_along(const Mask& base,
                                   std::vector<float> directions,
                                   const std::vector<float>& by);

/// Whole layers at once: each mask moves every layer along its row of `directions` [L, E], of norm
/// 1 or 0, forwards or backwards, as far as the masks of `measure_effects` reach in a layer
/// (perturbation * sqrt(E)). Effects, errors and q-values are [L], per unit of length. Redundant
/// experts (guards of which any two suffice) have almost no effect one by one; moved together they
/// show it.
[[nodiscard]] EffectMap measure_layer_effects(const Mask& base,
                                              const std::vector<float>& directions,
                                              const std::vector<OutcomeSet>& sets,
                                              int64_t i_set,
                                              const AskModel& ask,
                                              const EffectOptions& options);

}  // namespace mascing
