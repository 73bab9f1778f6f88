// Replies that begin as those of real models do: refusals in a dozen ways, answers in a hundred,
// of which a few are frequent and most are rare. Tokens are numbers.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "base/random.h"
#include "stage/openings.h"

namespace mascing {

/// One way to begin: two tokens, and whether the reply refuses.
struct Beginning {
  TokenSequence tokens;
  bool refuses = false;
  double weight = 0.0;  ///< among those of its kind
};

/// 12 ways to refuse, 120 ways to answer; the k-th most frequent has weight 1 / k^s.
inline std::vector<Beginning> real_like_beginnings() {
  std::vector<Beginning> all;
  for (int32_t k = 1; k <= 12; ++k) {
    all.push_back({{100 + (k + 2) / 3, 1000 + k}, true, 1.0 / k});
  }
  for (int32_t k = 1; k <= 120; ++k) {  // some share their first token with others, or a refusal
    const int32_t first = k % 10 == 0 ? 101 : 200 + (k + 1) / 2;
    all.push_back({{first, 2000 + k}, false, 1.0 / k});
  }
  return all;
}

/// Draws the index of a beginning of a kind.
inline size_t draw_beginning(const std::vector<Beginning>& all, bool refuses, Rng& rng) {
  double sum = 0.0;
  for (const Beginning& beginning : all) {
    sum += beginning.refuses == refuses ? beginning.weight : 0.0;
  }
  double left = rng.uniform() * sum;
  size_t last = 0;
  for (size_t i = 0; i < all.size(); ++i) {
    if (all[i].refuses != refuses) {
      continue;
    }
    last = i;
    left -= all[i].weight;
    if (left <= 0.0) {
      break;
    }
  }
  return last;
}

struct RealLikeReplies {
  std::vector<TokenSequence> tokens;
  std::vector<bool> refuses;

  [[nodiscard]] std::vector<TokenSequence> of_kind(bool wants_refusal) const {
    std::vector<TokenSequence> kind;
    for (size_t i = 0; i < tokens.size(); ++i) {
      if (refuses[i] == wants_refusal) {
        kind.push_back(tokens[i]);
      }
    }
    return kind;
  }
  [[nodiscard]] std::vector<TokenSequence> refused() const { return of_kind(true); }
  [[nodiscard]] std::vector<TokenSequence> answered() const { return of_kind(false); }

  /// Number of replies by their first two tokens.
  [[nodiscard]] std::map<TokenSequence, int64_t> beginnings() const {
    std::map<TokenSequence, int64_t> n;
    for (const TokenSequence& reply : tokens) {
      ++n[{reply.begin(), reply.begin() + 2}];
    }
    return n;
  }
  [[nodiscard]] int64_t n_beginning() const { return static_cast<int64_t>(beginnings().size()); }
  [[nodiscard]] double share_of_most_frequent(int64_t n_most) const {
    std::vector<int64_t> counts;
    for (const auto& [beginning, n] : beginnings()) {
      counts.push_back(n);
    }
    std::sort(counts.rbegin(), counts.rend());
    int64_t sum = 0;
    for (int64_t i = 0; i < std::min<int64_t>(n_most, std::ssize(counts)); ++i) {
      sum += counts[i];
    }
    return static_cast<double>(sum) / static_cast<double>(tokens.size());
  }
  /// Each reply to either side by the toss of a coin.
  [[nodiscard]] std::pair<std::vector<TokenSequence>, std::vector<TokenSequence>> divided_at_random(
      uint64_t seed) const {
    Rng rng(mix_seed(seed, 0x636f696e));
    std::pair<std::vector<TokenSequence>, std::vector<TokenSequence>> sides;
    for (const TokenSequence& reply : tokens) {
      (rng.uniform() < 0.5 ? sides.first : sides.second).push_back(reply);
    }
    return sides;
  }
};

/// `n` replies, two of five refuse. What follows the beginning is unlike anything else.
inline RealLikeReplies real_like_replies(int64_t n, uint64_t seed) {
  Rng rng(seed);
  const std::vector<Beginning> all = real_like_beginnings();
  RealLikeReplies replies;
  for (int64_t i = 0; i < n; ++i) {
    const bool refuses = rng.uniform() < 0.4;
    TokenSequence tokens = all[draw_beginning(all, refuses, rng)].tokens;
    tokens.push_back(static_cast<int32_t>(10'000 + rng.below(50'000)));
    tokens.push_back(static_cast<int32_t>(10'000 + rng.below(50'000)));
    replies.tokens.push_back(std::move(tokens));
    replies.refuses.push_back(refuses);
  }
  return replies;
}

}  // namespace mascing
