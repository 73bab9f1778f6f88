// Keeps broken text from being counted as an answer. A reply is incoherent if the unsteered model
// finds it far less likely than its own replies, or if it repeats itself.
#pragma once

#include <cstdint>
#include <vector>

namespace mascing {

/// Shorter replies are never repetitive: "No, no, no." is an answer.
inline constexpr int64_t kMinRepetitiveToken = 8;
/// A reply is repetitive if one token makes up more than this share of it ...
inline constexpr double kMaxTokenShare = 0.5;
/// ... or more than this share of its 4-grams are repeats (prose: below 0.1, lists and
/// refrains: 0.3) ...
inline constexpr double kMaxRepeatedShare = 0.5;
/// ... or it ends in a loop of at most kMaxLoopPeriod tokens, repeated at least kMinLoopRound times
/// over at least kMinLoopToken tokens, however good its beginning is.
inline constexpr int64_t kMaxLoopPeriod = 16;
inline constexpr int64_t kMinLoopRound = 4;
inline constexpr int64_t kMinLoopToken = 24;
/// Nats per token by which a reply may be less likely than the least likely 1 % of the model's own
/// replies.
inline constexpr double kCoherenceMargin = 2.0;

/// True if the reply's tokens repeat themselves by one of the three rules above.
[[nodiscard]] bool is_repetitive(const std::vector<int32_t>& tokens);

struct CoherenceLimit {
  double max_mean_nll =
      0.0;  ///< mean negative log-likelihood per token under the unsteered model, nats
};

/// 99th percentile (linear between ranks) of the unsteered model's own replies plus
/// kCoherenceMargin. Non-finite values are ignored. Throws Error{kInsufficient} if none
/// is left.
[[nodiscard]] CoherenceLimit calibrate_coherence(std::vector<double> base_mean_nll);

/// False if `mean_nll` is above the limit or not finite, or if the tokens are repetitive. The
/// caller must handle empty replies first; they are reported separately (Verdict::kEmpty).
[[nodiscard]] bool is_coherent(double mean_nll,
                               const std::vector<int32_t>& tokens,
                               const CoherenceLimit& limit);

}  // namespace mascing
