// Openings of replies: short token sequences that distinguish two kinds of replies, so that one
// prefill shows which kind the model is about to give.
#pragma once

#include <cstdint>
#include <vector>

namespace mascing {

using TokenSequence = std::vector<int32_t>;

struct OpeningOptions {
  int64_t n_max_token = 6;    ///< maximum tokens per opening
  int64_t n_max_opening = 8;  ///< maximum openings per kind; the most frequent are kept
  double purity = 0.95;       ///< share of an opening's replies that must be of its kind
  int64_t n_least_reply = 5;  ///< replies that must begin with an opening: fewer are chance
};

struct Openings {
  std::vector<TokenSequence> wanted;    ///< none is a prefix of another
  std::vector<TokenSequence> unwanted;  ///< likewise
  double coverage_wanted = 0.0;         ///< share of wanted replies that start with one of them
  double coverage_unwanted = 0.0;       ///< likewise
};

/// For each reply the shortest prefix for which at least `purity` of the replies that share it are
/// of its kind, if `n_least_reply` replies of its kind share it. Both kinds have equal weight
/// regardless of their number of replies. A kind without replies or without distinguishing prefixes
/// gets no openings.
[[nodiscard]] Openings find_openings(const std::vector<TokenSequence>& wanted,
                                     const std::vector<TokenSequence>& unwanted,
                                     const OpeningOptions& options = {});

/// True if the reply begins with one of the openings.
[[nodiscard]] bool begins_with_any(const TokenSequence& reply,
                                   const std::vector<TokenSequence>& openings);

}  // namespace mascing
