// Statistics of shares: Wilson's interval, McNemar's exact test, Holm's correction for several
// tests; rank correlation and the area under the ROC curve.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "mascing/rate.h"

namespace mascing {

/// Share of `n_hit` in `n` with its 95 % Wilson score interval (Wilson 1927; no continuity
/// correction). n = 0 gives {0, 0, 1}: nothing is known. Throws Error{kBadInput} unless 0 <= n_hit
/// <= n.
[[nodiscard]] Rate wilson(int64_t n_hit, int64_t n);

/// Two-sided exact McNemar test of paired outcomes, the probability under the null hypothesis of a
/// split between `fixed` and `broken` at least this uneven: min(1, 2
/// P[Binomial(n, 1/2) <= min]). Gives 1 without changes. Throws Error{kBadInput} on a negative
/// count.
[[nodiscard]] double mcnemar_exact(int64_t fixed, int64_t broken);

/// The same where conversations come in groups that resemble each other: the share of all choices
/// of signs of `sums` (fixed minus broken in each group) under which their sum is at least as far
/// from 0, in either direction. Sums of 1 and -1 give McNemar's test. Takes time n k for k sums
/// whose sizes add up to n.
[[nodiscard]] double sign_flip_exact(const std::vector<int64_t>& sums);

/// Mean of `values`, one per independent case, with its 95 % bootstrap interval (percentiles of
/// 2,000 resamples, the same for the same seed). {0, 0, 0} without values.
[[nodiscard]] Rate bootstrap_mean(const std::vector<double>& values, uint64_t seed);
/// The same of shares. Where all are 0 or all are 1, resampling says nothing: then Wilson's
/// interval over the cases.
[[nodiscard]] Rate bootstrap_share(const std::vector<double>& shares, uint64_t seed);
/// The same of changes of shares, between -1 and 1. Where all are equal, Wilson's interval says how
/// many cases may be of another kind.
[[nodiscard]] Rate bootstrap_change(const std::vector<double>& changes, uint64_t seed);

/// Changes of `counts` cases each that add up to `sums`, as one change: a ratio whose 95 % interval
/// takes groups for the cases (variance of a ratio over clusters, Student's t with one degree of
/// freedom less than groups; cut to -1 .. 1). Where no group differs, as bootstrap_change. Both
/// vectors have the same length, counts are positive.
[[nodiscard]] Rate grouped_change(const std::vector<double>& sums,
                                  const std::vector<double>& counts);

/// Of values in rising order, at least one, at `share` (0 .. 1) of the way: linear between ranks.
[[nodiscard]] double quantile(const std::vector<double>& sorted, double share);

/// Cosine of the angle between two vectors of one size; 0 if either is 0.
[[nodiscard]] double cosine(const std::vector<double>& a, const std::vector<double>& b);
/// Ranks from 1; equal values share the mean of theirs.
[[nodiscard]] std::vector<double> mean_ranks(const std::vector<double>& values);
/// Spearman's rank correlation, ties with their mean rank. 0 if either side is constant. Sizes must
/// agree.
[[nodiscard]] double spearman(const std::vector<double>& a, const std::vector<double>& b);
/// Area under the ROC curve: the chance that a random score of label 1 exceeds a random one of
/// label 0, ties counted half. 0.5 if a class is missing. Both vectors have the same length, no
/// score is NaN.
[[nodiscard]] double rank_auc(const std::vector<double>& scores, const std::vector<int>& labels);
/// Holm's adjustment (1979) of several p-values, in their order: to reject those up to a level
/// keeps the chance of any false rejection among them below it.
[[nodiscard]] std::vector<double> holm(const std::vector<double>& p_values);
/// p-values of one family, with the place of each adjusted one.
class HolmFamily {
 public:
  /// `adjusted` stays where it is until adjust().
  void add(double p_value, std::optional<double>& adjusted);
  void adjust() const;

 private:
  std::vector<double> p_values_;
  std::vector<std::optional<double>*> adjusted_;
};

}  // namespace mascing
