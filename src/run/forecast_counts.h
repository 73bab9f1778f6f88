// Tokens of the questions that the stages of a forecast are made of.
#pragma once

#include <algorithm>
#include <cstddef>

#include "base/numeric.h"
#include "run/forecast_tokens.h"

namespace mascing {

inline constexpr double kOpening =
    40.0;  ///< tokens of a prompt's openings: up to 8 of 6 of each kind
inline constexpr double kOpeningRead = 26.0;  ///< of these, all but the last one of each opening

/// Tokens of one step.
struct Tokens {
  double prefill = 0.0;
  double generated = 0.0;
  double gradient = 0.0;
  double text_gradient = 0.0;  ///< of `gradient`
  double opening = 0.0;        ///< of `prefill`

  void add(const Tokens& other, double times = 1.0);
};

/// Rows of which a step takes no more than `most`.
template <typename Count>
[[nodiscard]] double at_most(double n, Count most) {
  return std::min(n, static_cast<double>(most));
}

/// The sets whose replies decide between wanted and not.
[[nodiscard]] bool is_judged(const SetTokens& set);
/// These and the benign ones.
[[nodiscard]] bool has_margin(const SetTokens& set);

/// `n` replies without a mask, which keep what the prompt before left in the cache; under one, the
/// unsteered model reads each of them again.
[[nodiscard]] Tokens replies(const SetTokens& set, double n, bool is_steered);
/// One question about openings for each of `n` conversations.
[[nodiscard]] Tokens questions(const SetTokens& set, double n);

/// The limits of the other sets under one mask, on the selection split; a system prompt, which does
/// not steer, has replies alone.
[[nodiscard]] Tokens limits(const RunTokens& run, bool is_steered = true);
/// The same of the test split, without samples and routing; the unsteered side is known.
[[nodiscard]] Tokens tested(const RunTokens& run, bool is_steered = true);

/// The sets' parts of one split, of those that `wanted` chooses.
template <typename Wanted, typename Part>
[[nodiscard]] Tokens over_sets(const RunTokens& run, size_t i_split, Wanted wanted, Part part) {
  Tokens sum;
  for (const SetTokens& set : run.sets) {
    if (wanted(set)) {
      sum.add(part(set, to_double(set.n.at(i_split))));
    }
  }
  return sum;
}

}  // namespace mascing
