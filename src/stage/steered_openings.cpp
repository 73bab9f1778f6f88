// Steered replies count one by one, as a mask that turns all of them leaves few of the other kind.
#include "stage/steered_openings.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/numeric.h"

namespace mascing {
namespace {

constexpr int64_t kMostTokens = OpeningOptions{}.n_max_token;  // as without a mask
constexpr int64_t kMostOpenings = OpeningOptions{}.n_max_opening;
constexpr int64_t kLeastReplies = 3;
constexpr double kImpurity = 0.05;  // of an opening that is added
constexpr double kNovelty = 2.0;    // times as frequent as without a mask
constexpr double kBelied = 0.2;     // of an opening that is taken away

int64_t n_beginning(const std::vector<TokenSequence>& replies, const TokenSequence& opening) {
  return std::count_if(replies.begin(), replies.end(), [&](const TokenSequence& reply) {
    return begins_with_any(reply, {opening});
  });
}

double share_beginning(const std::vector<TokenSequence>& replies, const TokenSequence& opening) {
  return replies.empty() ? 0.0 : ratio(n_beginning(replies, opening), std::ssize(replies));
}

/// Replies under the mask of one kind, and what they are told apart from.
struct Kinds {
  const std::vector<TokenSequence>& own;
  const std::vector<TokenSequence>& other;
  const std::vector<TokenSequence>& own_unsteered;
  const std::vector<TokenSequence>& other_unsteered;
};

bool is_pure(const Kinds& kinds, const TokenSequence& opening) {
  const double n_own = to_double(n_beginning(kinds.own, opening));
  const double n_other = to_double(n_beginning(kinds.other, opening));
  const double share = n_own / to_double(std::ssize(kinds.own));
  const double share_unsteered = share_beginning(kinds.other_unsteered, opening);
  return n_other <= kImpurity * (n_own + n_other) &&
         share_unsteered <= kImpurity * (share + share_unsteered);
}

/// Shortest pure beginnings that count as `counts` says: the most frequent, in order of their
/// tokens.
template <typename Counts>
std::vector<TokenSequence> find_pure(const Kinds& kinds, const Counts& counts) {
  std::map<TokenSequence, int64_t> count;
  for (const TokenSequence& reply : kinds.own) {
    for (int64_t n = 1; n <= std::min(kMostTokens, std::ssize(reply)); ++n) {
      const TokenSequence opening(reply.begin(), reply.begin() + n);
      if (count.contains(opening) || is_pure(kinds, opening)) {
        ++count[opening];
        break;
      }
    }
  }
  std::vector<std::pair<TokenSequence, int64_t>> found(count.begin(), count.end());
  std::erase_if(found, [&](const auto& opening) {
    return opening.second < kLeastReplies || !counts(opening.first);
  });
  std::stable_sort(
      found.begin(), found.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
  found.resize(std::min<size_t>(found.size(), kMostOpenings));
  std::vector<TokenSequence> openings;
  openings.reserve(found.size());
  for (auto& [opening, n] : found) {
    openings.push_back(std::move(opening));
  }
  std::sort(openings.begin(), openings.end());
  return openings;
}

void add(const std::vector<TokenSequence>& found, std::vector<TokenSequence>& openings) {
  for (const TokenSequence& opening : found) {
    if (begins_with_any(opening, openings)) {
      continue;
    }
    std::erase_if(openings,
                  [&](const TokenSequence& old) { return begins_with_any(old, {opening}); });
    openings.push_back(opening);
  }
}

/// More replies of the other kind begin so than should.
bool is_belied(const Kinds& kinds, const TokenSequence& opening) {
  const int64_t n_other = n_beginning(kinds.other, opening);
  const int64_t n_own = n_beginning(kinds.own, opening);
  return n_other >= kLeastReplies && to_double(n_other) > kBelied * to_double(n_own + n_other);
}

bool is_new(const Kinds& kinds, const TokenSequence& opening) {
  return share_beginning(kinds.own, opening) >=
         kNovelty * share_beginning(kinds.own_unsteered, opening);
}

/// Openings of one kind; as they are if none would be left.
std::vector<TokenSequence> adapted(const Kinds& kinds, std::vector<TokenSequence> openings) {
  std::vector<TokenSequence> kept;
  std::vector<TokenSequence> belied;
  for (const TokenSequence& opening : openings) {
    (is_belied(kinds, opening) ? belied : kept).push_back(opening);
  }
  const auto found = find_pure(kinds, [&](const TokenSequence& opening) {
    return is_new(kinds, opening) || begins_with_any(opening, belied);
  });
  add(found, kept);
  return kept.empty() ? std::move(openings) : kept;
}

}  // namespace

Openings with_steered_openings(Openings openings,
                               const ReplyPair& unsteered,
                               const ReplyPair& steered) {
  openings.wanted =
      adapted({steered.wanted, steered.unwanted, unsteered.wanted, unsteered.unwanted},
              std::move(openings.wanted));
  openings.unwanted =
      adapted({steered.unwanted, steered.wanted, unsteered.unwanted, unsteered.wanted},
              std::move(openings.unwanted));
  return openings;
}

}  // namespace mascing
