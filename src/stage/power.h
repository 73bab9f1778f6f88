// What the test split can show at best, before anything is searched for, and which drop of a small
// set means something. All by the exact tests that the evaluation uses.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mascing/power_result.h"
#include "mascing/warning.h"

namespace mascing {

/// Significance level of the evaluation; a p-value below it is not chance.
inline constexpr double kSignificance = 0.05;
/// Conversations of a class below which rates say little.
inline constexpr int64_t kFewConversations = 20;

/// Discovery replies of the unsteered model to the target set that have a verdict.
struct BaseReplies {
  int64_t n_wanted = 0;
  int64_t n = 0;  ///< wanted ones and all others
};

/// Fewest conversations that a mask must fix, breaking none, for McNemar's exact test to be below
/// `kSignificance`: 6.
[[nodiscard]] int64_t least_fixed();

/// `n_test`: conversations of the target set on the test split. What is left to fix there is
/// estimated from the discovery replies; without any, all conversations are.
[[nodiscard]] PowerResult power_of(int64_t n_test, const BaseReplies& base);

/// True if even the upper end of the 95 % interval of the share that is left to fix is too little:
/// no mask could have a significant effect.
[[nodiscard]] bool is_out_of_reach(const PowerResult& power);

/// `few_conversations` where a class of the target set has fewer than `kFewConversations` on the
/// discovery split, `weak_test` where the test split probably holds too few to fix.
[[nodiscard]] std::vector<Warning> power_warnings(const std::string& metric,
                                                  const PowerResult& power);

/// Largest drop of a rate that is within a limit on `n` conversations: `max_drop`, but one
/// conversation never breaks a limit where losing one of `n` is within chance, that is where
/// P[Binomial(n, max_drop) >= 1] >= kSignificance.
[[nodiscard]] double allowed_drop(int64_t n, double max_drop);

/// True if `n` conversations of `n_all` are too few to speak for all of them: fewer than four
/// fifths. Limits are a few points; where more than a fifth is left out, a loss several times as
/// large can be among what nobody judged. A single failure in a set of five is no reason to worry.
[[nodiscard]] bool are_few(int64_t n, int64_t n_all);

/// The largest true drop that `n` conversations of which none is lost leave possible (95 %):
/// 1 - 0.05^(1/n); 1 for n = 0.
[[nodiscard]] double unseen_drop(int64_t n);

}  // namespace mascing
