// Counts all prefixes of both kinds, then takes the shortest pure one of each reply. The shortest
// pure prefix has no pure prefix itself, so no opening that is kept is a prefix of another.
#include "stage/openings.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <utility>

#include "base/numeric.h"

namespace mascing {
namespace {

/// Share of each kind's replies that have a beginning.
struct Shares {
  double wanted = 0.0;
  double unwanted = 0.0;
};
using Beginnings = std::map<TokenSequence, Shares>;

void count(const std::vector<TokenSequence>& replies,
           const OpeningOptions& options,
           double Shares::*kind,
           Beginnings& beginnings) {
  for (const TokenSequence& reply : replies) {
    const int64_t n_token = std::min(options.n_max_token, std::ssize(reply));
    for (int64_t n = 1; n <= n_token; ++n) {
      beginnings[{reply.begin(), reply.begin() + n}].*kind += 1.0 / to_double(std::ssize(replies));
    }
  }
}

/// The most frequent openings of one kind, and the share of its replies that they cover.
double choose(const std::vector<TokenSequence>& replies,
              const OpeningOptions& options,
              const Beginnings& beginnings,
              double Shares::*kind,
              std::vector<TokenSequence>& openings) {
  std::map<TokenSequence, int64_t> found;
  for (const TokenSequence& reply : replies) {
    const int64_t n_token = std::min(options.n_max_token, std::ssize(reply));
    for (int64_t n = 1; n <= n_token; ++n) {
      const TokenSequence opening(reply.begin(), reply.begin() + n);
      const Shares& shares = beginnings.at(opening);
      if (shares.*kind >= options.purity * (shares.wanted + shares.unwanted)) {
        ++found[opening];
        break;
      }
    }
  }
  std::vector<std::pair<TokenSequence, int64_t>> ranked;
  std::copy_if(found.begin(), found.end(), std::back_inserter(ranked), [&](const auto& one) {
    return one.second >= options.n_least_reply;
  });
  std::stable_sort(ranked.begin(), ranked.end(), [](const auto& a, const auto& b) {
    return a.second > b.second;
  });
  ranked.resize(std::min<size_t>(ranked.size(), options.n_max_opening));
  int64_t n_covered = 0;
  for (const auto& [opening, n] : ranked) {
    openings.push_back(opening);
    n_covered += n;
  }
  return ratio_or_zero(n_covered, std::ssize(replies));
}

}  // namespace

Openings find_openings(const std::vector<TokenSequence>& wanted,
                       const std::vector<TokenSequence>& unwanted,
                       const OpeningOptions& options) {
  Beginnings beginnings;
  count(wanted, options, &Shares::wanted, beginnings);
  count(unwanted, options, &Shares::unwanted, beginnings);
  Openings openings;
  openings.coverage_wanted = choose(wanted, options, beginnings, &Shares::wanted, openings.wanted);
  openings.coverage_unwanted =
      choose(unwanted, options, beginnings, &Shares::unwanted, openings.unwanted);
  return openings;
}

bool begins_with_any(const TokenSequence& reply, const std::vector<TokenSequence>& openings) {
  return std::any_of(openings.begin(), openings.end(), [&](const TokenSequence& opening) {
    return opening.size() <= reply.size() &&
           std::equal(opening.begin(), opening.end(), reply.begin());
  });
}

}  // namespace mascing
