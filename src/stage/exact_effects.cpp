// One reverse pass per conversation; all entries share it.
#include "stage/exact_effects.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "base/numeric.h"
#include "base/random.h"
#include "base/spread.h"
#include "stage/row_means.h"

namespace mascing {
namespace {

constexpr size_t kLeastRows = 3;  // conversations, for an error of the mean

/// Column means of `rows` [n][d] with their standard errors.
EffectMap mean_effects(const std::vector<std::vector<double>>& rows) {
  RowMeans means = row_means(rows);
  EffectMap map;
  map.n = std::ssize(rows);
  std::vector<double> p;
  for (size_t j = 0; j < means.mean.size(); ++j) {
    p.push_back(two_sided_p(means.mean[j], means.standard_error[j]));
  }
  map.effect = std::move(means.mean);
  map.standard_error = std::move(means.standard_error);
  map.q_value = q_values(p);
  return map;
}

/// `n_most` items of a set at most, so spread that all its parts are there.
std::vector<Question> spread_questions(const Mask& base,
                                       int64_t i_set,
                                       int64_t n_all,
                                       int64_t n_most) {
  const Steering unsteered = perturbed(base, {}, {}, {}, 0.0F);
  std::vector<Question> questions;
  for (const size_t i : spread_indices(n_all, n_most)) {
    questions.push_back({i_set, static_cast<int64_t>(i), unsteered});
  }
  return questions;
}

/// Every layer moved along its direction by an amount drawn evenly from all that masks of the map
/// by pairs reach: the mean derivative is the mean slope over that reach.
std::vector<Question> moved_questions(const Mask& base,
                                      const std::vector<float>& directions,
                                      int64_t i_set,
                                      int64_t n_all,
                                      const EffectOptions& options) {
  Rng rng(mix_seed(options.seed, 0x6d6f766564));
  const double reach = options.perturbation * std::sqrt(to_double(base.n_expert));
  std::vector<Question> questions;
  for (int64_t i = 0; i < 2 * options.n_max; ++i) {
    std::vector<float> by;
    for (int64_t k = 0; k < base.n_layer; ++k) {
      by.push_back(to_float(reach * (2.0 * rng.uniform() - 1.0)));
    }
    questions.push_back({i_set, i % n_all, moved_along(base, directions, by)});
  }
  return questions;
}

std::vector<double> along_layers(const std::vector<float>& d_steer,
                                 const std::vector<float>& directions,
                                 int64_t n_expert) {
  std::vector<double> row(d_steer.size() / n_expert, 0.0);
  for (int64_t i = 0; i < std::ssize(d_steer); ++i) {
    row[i / n_expert] += to_scalar<double>(d_steer[i]) * directions[i];
  }
  return row;
}

}  // namespace

ExactEffects measure_exact_effects(const Mask& base,
                                   const std::vector<float>& directions,
                                   const std::vector<OutcomeSet>& sets,
                                   int64_t i_set,
                                   const AskGradients& ask,
                                   const EffectOptions& options) {
  const int64_t n_all = sets[i_set].size();
  ExactEffects effects;
  std::vector<std::vector<double>> rows;
  for (const OutcomeGradient& answer : ask(spread_questions(base, i_set, n_all, options.n_max))) {
    if (answer.d_steer.empty()) {
      effects.failure = answer.error;
    } else {
      rows.emplace_back(answer.d_steer.begin(), answer.d_steer.end());
    }
  }
  if (rows.size() < kLeastRows) {
    return effects;
  }
  const auto moved = moved_questions(base, directions, i_set, n_all, options);
  std::map<int64_t, std::vector<std::vector<double>>> of_items;
  for (size_t i = 0; const OutcomeGradient& answer : ask(moved)) {
    if (!answer.d_steer.empty()) {
      of_items[moved[i].i_item].push_back(along_layers(answer.d_steer, directions, base.n_expert));
    }
    ++i;
  }
  std::vector<std::vector<double>> layers;  // a row for each conversation, however often asked
  layers.reserve(of_items.size());
  for (const auto& [i_item, of_item] : of_items) {
    layers.push_back(row_means(of_item).mean);
  }
  if (layers.size() >= kLeastRows) {
    effects.entries = mean_effects(rows);
    effects.layers = mean_effects(layers);
  }
  return effects;
}

}  // namespace mascing
