// The ways in which replies begin: short token sequences that tell two kinds of replies apart, so
// that which kind a model is about to give can be read from one prefill.
#pragma once

#include <cstdint>
#include <vector>

namespace mascing {

using TokenSequence = std::vector<int32_t>;

struct OpeningOptions {
  int64_t n_max_token = 4;    ///< tokens of an opening, at most
  int64_t n_max_opening = 8;  ///< openings of a kind, at most; the most frequent are kept
  double purity = 0.95;       ///< share of an opening's replies that must be of its kind
};

struct Openings {
  std::vector<TokenSequence> wanted;    ///< none is the beginning of another
  std::vector<TokenSequence> unwanted;  ///< likewise
  double coverage_wanted = 0.0;         ///< share of the wanted replies that begin with one of them
  double coverage_unwanted = 0.0;       ///< likewise
};

/// For each reply the shortest beginning of which at least `purity` of all replies that share it
/// are of its kind. Both kinds count alike, however many replies there are of each. A kind without
/// replies, or none of whose beginnings is its own, gets no openings.
[[nodiscard]] Openings find_openings(const std::vector<TokenSequence>& wanted,
                                     const std::vector<TokenSequence>& unwanted,
                                     const OpeningOptions& options = {});

}  // namespace mascing
