// Every fold is fitted on the replies of all others.
#include "stage/cross_fit.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "base/numeric.h"
#include "stage/statistics.h"

namespace mascing {
namespace {

constexpr double kCovered = 0.5;        // of held-out replies: a kind's openings stand for it
constexpr double kLeastCoverage = 0.3;  // below, they stand for nothing
constexpr double kCoverageFloor = 0.1;  // of a coverage, where a zero is derived from it

/// Groups of conversations that stay together.
std::vector<std::vector<int64_t>> topic_groups(const std::vector<std::string>& topics,
                                               bool is_by_topic) {
  std::vector<std::vector<int64_t>> groups;
  std::map<std::string, size_t> group_of_topic;
  for (int64_t i = 0; i < std::ssize(topics); ++i) {
    size_t i_group = groups.size();
    if (is_by_topic && !topics[i].empty()) {
      i_group = group_of_topic.try_emplace(topics[i], groups.size()).first->second;
    }
    if (i_group == groups.size()) {
      groups.emplace_back();
    }
    groups[i_group].push_back(i);
  }
  return groups;
}

std::vector<TokenSequence> outside_fold(const std::vector<FoldedReply>& replies, int64_t i_fold) {
  std::vector<TokenSequence> kept;
  for (const FoldedReply& reply : replies) {
    if (reply.i_fold != i_fold) {
      kept.push_back(reply.tokens);
    }
  }
  return kept;
}

/// Held-out replies of one kind.
struct HeldOut {
  int64_t n_covered = 0;
  std::vector<double> scores;
};

HeldOut hold_out(const std::vector<FoldedReply>& replies,
                 const std::vector<Openings>& folds,
                 bool is_wanted) {
  HeldOut held;
  for (const FoldedReply& reply : replies) {
    const Openings& openings = folds[reply.i_fold];
    const bool like_wanted = begins_with_any(reply.tokens, openings.wanted);
    const bool like_unwanted = begins_with_any(reply.tokens, openings.unwanted);
    held.n_covered += (is_wanted ? like_wanted : like_unwanted) ? 1 : 0;
    held.scores.push_back((like_wanted ? 1.0 : 0.0) - (like_unwanted ? 1.0 : 0.0));
  }
  return held;
}

double log_odds_of(double p) {
  return std::log(p) - std::log1p(-p);
}

}  // namespace

std::vector<int64_t> topic_folds(const std::vector<std::string>& topics, int64_t n_fold) {
  auto groups = topic_groups(topics, true);
  if (std::ssize(groups) < n_fold) {
    groups = topic_groups(topics, false);
  }
  std::stable_sort(groups.begin(), groups.end(), [](const auto& a, const auto& b) {
    return a.size() > b.size();
  });
  std::vector<int64_t> fold_of(topics.size());
  std::vector<int64_t> n_of_fold(n_fold);
  for (const auto& group : groups) {
    const auto least = std::min_element(n_of_fold.begin(), n_of_fold.end());
    *least += std::ssize(group);
    for (const int64_t i : group) {
      fold_of[i] = least - n_of_fold.begin();
    }
  }
  return fold_of;
}

CrossFit cross_fit_openings(const std::vector<FoldedReply>& wanted,
                            const std::vector<FoldedReply>& unwanted,
                            int64_t n_fold,
                            const OpeningOptions& options) {
  CrossFit fit;
  fit.openings = find_openings(outside_fold(wanted, -1), outside_fold(unwanted, -1), options);
  for (int64_t k = 0; k < n_fold; ++k) {
    fit.fold.push_back(find_openings(outside_fold(wanted, k), outside_fold(unwanted, k), options));
  }
  const HeldOut of_wanted = hold_out(wanted, fit.fold, true);
  const HeldOut of_unwanted = hold_out(unwanted, fit.fold, false);
  fit.coverage_wanted = ratio_or_zero(of_wanted.n_covered, std::ssize(wanted));
  fit.coverage_unwanted = ratio_or_zero(of_unwanted.n_covered, std::ssize(unwanted));
  std::vector<double> scores = of_wanted.scores;
  scores.insert(scores.end(), of_unwanted.scores.begin(), of_unwanted.scores.end());
  std::vector<int> labels(wanted.size(), 1);
  labels.resize(scores.size(), 0);
  fit.reply_auc = rank_auc(scores, labels);
  return fit;
}

const char* to_string(MarginForm form) {
  switch (form) {
    case MarginForm::kTwoSided:
      return "two_sided";
    case MarginForm::kWantedOnly:
      return "wanted_only";
    case MarginForm::kUnwantedOnly:
      return "unwanted_only";
    default:
      return "none";
  }
}

MarginForm choose_form(const CrossFit& fit) {
  const double wanted = fit.openings.wanted.empty() ? 0.0 : fit.coverage_wanted;
  const double unwanted = fit.openings.unwanted.empty() ? 0.0 : fit.coverage_unwanted;
  if (std::min(wanted, unwanted) >= kCovered) {
    return MarginForm::kTwoSided;
  }
  if (std::max(wanted, unwanted) < kLeastCoverage) {
    return MarginForm::kNone;
  }
  return wanted >= unwanted ? MarginForm::kWantedOnly : MarginForm::kUnwantedOnly;
}

Openings openings_of_form(Openings openings, MarginForm form) {
  if (form == MarginForm::kUnwantedOnly || form == MarginForm::kNone) {
    openings.wanted.clear();
  }
  if (form == MarginForm::kWantedOnly || form == MarginForm::kNone) {
    openings.unwanted.clear();
  }
  return openings;
}

double zero_by_coverage(const CrossFit& fit, MarginForm form) {
  const double wanted = std::max(kCoverageFloor, fit.coverage_wanted);
  const double unwanted = std::max(kCoverageFloor, fit.coverage_unwanted);
  switch (form) {
    case MarginForm::kTwoSided:
      return std::log(wanted) - std::log(unwanted);
    case MarginForm::kWantedOnly:
      return log_odds_of(wanted / 2.0);
    case MarginForm::kUnwantedOnly:
      return -log_odds_of(unwanted / 2.0);
    default:
      return 0.0;
  }
}

}  // namespace mascing
