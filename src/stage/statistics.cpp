// Wilson's interval in closed form; McNemar's tail as a sum that starts at its largest term, taken
// in logarithms, and walks down by ratios, so that thousands of pairs neither overflow nor lose
// digits.
#include "stage/statistics.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <numbers>
#include <numeric>
#include <string>
#include <utility>

#include "base/numeric.h"
#include "base/random.h"
#include "mascing/error.h"

namespace mascing {
namespace {

constexpr double kZ95 = 1.959963984540054;  // 97.5th percentile of the standard normal distribution

constexpr int64_t kResamples = 2000;
constexpr double kNoSquares = 1e-15;    // rounding; one case in a million gives 1e-12
constexpr int64_t kMostFreedom = 2000;  // from where on Student's t is normal to three digits

double log_binomial(double n, double k) {
  return std::lgamma(n + 1.0) - std::lgamma(k + 1.0) - std::lgamma(n - k + 1.0);
}

/// Chance that Student's t lies between -t and t (Abramowitz and Stegun 26.7.3 and 26.7.4).
double student_within(double t, int64_t n_freedom) {
  const double angle = std::atan(t / std::sqrt(to_double(n_freedom)));
  const double cosine = std::cos(angle);
  const bool is_odd = n_freedom % 2 == 1;
  double term = is_odd ? cosine : 1.0;
  double sum = 0.0;
  for (int64_t i = is_odd ? 1 : 0; i <= n_freedom - 2; i += 2) {
    sum += term;
    term *= cosine * cosine * to_double(i + 1) / to_double(i + 2);
  }
  const double rest = std::sin(angle) * sum;
  return is_odd ? 2.0 / std::numbers::pi * (angle + rest) : rest;
}

/// 97.5th percentile of Student's t.
double student_quantile(int64_t n_freedom) {
  if (n_freedom > kMostFreedom) {
    return kZ95;
  }
  double low = 0.0;
  double high = 16.0;  // 12.7 with one degree of freedom
  for (int i = 0; i < 60; ++i) {
    const double middle = (low + high) / 2.0;
    (student_within(middle, n_freedom) < 0.95 ? low : high) = middle;
  }
  return low;
}

}  // namespace

Rate wilson(int64_t n_hit, int64_t n) {
  if (n < 0 || n_hit < 0 || n_hit > n) {
    throw Error(ErrorKind::kBadInput,
                "[statistics] " + std::to_string(n_hit) + " of " + std::to_string(n) +
                    " is not a share: expected 0 <= hits <= n");
  }
  if (n == 0) {
    return {0.0, 0.0, 1.0};
  }
  const double count = to_double(n);
  const double rate = to_double(n_hit) / count;
  const double z2 = kZ95 * kZ95;
  const double scale = 1.0 / (1.0 + z2 / count);
  const double centre = scale * (rate + z2 / (2.0 * count));
  const double half =
      scale * kZ95 * std::sqrt(rate * (1.0 - rate) / count + z2 / (4.0 * count * count));
  // The ends are exact at 0 and 1; rounding must not leave 1e-17 behind.
  return {rate,
          n_hit == 0 ? 0.0 : std::max(0.0, centre - half),
          n_hit == n ? 1.0 : std::min(1.0, centre + half),
          n};
}

double mcnemar_exact(int64_t fixed, int64_t broken) {
  if (fixed < 0 || broken < 0) {
    throw Error(ErrorKind::kBadInput,
                "[statistics] McNemar's test of " + std::to_string(fixed) + " fixed and " +
                    std::to_string(broken) + " broken: expected counts >= 0");
  }
  if (fixed == broken) {
    return 1.0;
  }
  const double n = to_double(fixed) + to_double(broken);
  const double k = to_double(std::min(fixed, broken));
  double relative = 1.0;  // term i over term k
  double sum = 0.0;
  for (double i = k; i >= 0.0 && relative > 1e-18; i -= 1.0) {
    sum += relative;
    relative *= i / (n - i + 1.0);
  }
  const double log_largest = log_binomial(n, k) - n * std::numbers::ln2;
  return std::min(1.0, 2.0 * sum * std::exp(log_largest));
}

double sign_flip_exact(const std::vector<int64_t>& sums) {
  int64_t largest = 0;
  int64_t observed = 0;
  for (const int64_t sum : sums) {
    largest += std::abs(sum);
    observed += sum;
  }
  std::vector<double> chance(2 * largest + 1, 0.0);  // of a total from -largest to largest
  chance[largest] = 1.0;
  int64_t reach = 0;
  for (const int64_t sum : sums) {
    const int64_t step = std::abs(sum);
    if (step == 0) {
      continue;
    }
    std::vector<double> next(chance.size(), 0.0);
    for (int64_t i = largest - reach; i <= largest + reach; ++i) {
      next[i - step] += chance[i] / 2.0;
      next[i + step] += chance[i] / 2.0;
    }
    reach += step;
    chance = std::move(next);
  }
  double p_value = 0.0;
  for (int64_t total = std::abs(observed); total <= largest; ++total) {
    p_value += chance[largest + total] + (total == 0 ? 0.0 : chance[largest - total]);
  }
  return observed == 0 ? 1.0 : std::min(1.0, p_value);
}

Rate bootstrap_mean(const std::vector<double>& values, uint64_t seed) {
  if (values.empty()) {
    return {0.0, 0.0, 0.0};
  }
  const int64_t n = std::ssize(values);
  const double sum = std::accumulate(values.begin(), values.end(), 0.0);
  Rng rng(seed);
  std::vector<double> means;
  for (int64_t k = 0; k < kResamples; ++k) {
    double drawn = 0.0;
    for (int64_t i = 0; i < n; ++i) {
      drawn += values[rng.below(n)];
    }
    means.push_back(drawn / to_double(n));
  }
  std::sort(means.begin(), means.end());
  const auto at = [&](double share) { return means[std::lround(share * (kResamples - 1))]; };
  return {sum / to_double(n), at(0.025), at(0.975), n};
}

Rate bootstrap_share(const std::vector<double>& shares, uint64_t seed) {
  const int64_t n = std::ssize(shares);
  const auto is_all = [&](double value) {
    return std::all_of(
        shares.begin(), shares.end(), [value](double share) { return share == value; });
  };
  if (is_all(1.0) || is_all(0.0)) {
    return wilson(is_all(0.0) ? 0 : n, n);
  }
  return bootstrap_mean(shares, seed);
}

Rate bootstrap_change(const std::vector<double>& changes, uint64_t seed) {
  const bool are_equal =
      std::adjacent_find(changes.begin(), changes.end(), std::not_equal_to<>()) == changes.end();
  if (!are_equal || changes.empty()) {
    return bootstrap_mean(changes, seed);
  }
  const int64_t n = std::ssize(changes);
  const double unseen = wilson(0, n).high;
  const double change = changes.front();
  return {change, change - unseen * (1.0 + change), change + unseen * (1.0 - change), n};
}

Rate grouped_change(const std::vector<double>& sums, const std::vector<double>& counts) {
  const int64_t n_group = std::ssize(sums);
  if (n_group == 0) {
    return {0.0, 0.0, 0.0};
  }
  const double n = std::accumulate(counts.begin(), counts.end(), 0.0);
  const double change = std::accumulate(sums.begin(), sums.end(), 0.0) / n;
  double squares = 0.0;
  for (int64_t i = 0; i < n_group; ++i) {
    const double residual = sums[i] - change * counts[i];
    squares += residual * residual;
  }
  if (n_group == 1 || squares < kNoSquares) {
    return bootstrap_change(std::vector<double>(n_group, change), 0);
  }
  const double freedom = to_double(n_group - 1);
  const double error = std::sqrt(squares * to_double(n_group) / freedom) / n;
  const double half = student_quantile(n_group - 1) * error;
  return {change, std::max(-1.0, change - half), std::min(1.0, change + half), n_group};
}

double quantile(const std::vector<double>& sorted, double share) {
  const int64_t last = std::ssize(sorted) - 1;
  const double place = share * to_double(last);
  const auto below = static_cast<int64_t>(place);
  const int64_t above = std::min(below + 1, last);
  return sorted[below] + (place - to_double(below)) * (sorted[above] - sorted[below]);
}

double cosine(const std::vector<double>& a, const std::vector<double>& b) {
  double ab = 0.0;
  double aa = 0.0;
  double bb = 0.0;
  for (size_t i = 0; i < a.size(); ++i) {
    ab += a[i] * b[i];
    aa += a[i] * a[i];
    bb += b[i] * b[i];
  }
  return aa > 0.0 && bb > 0.0 ? ab / std::sqrt(aa * bb) : 0.0;
}

std::vector<double> mean_ranks(const std::vector<double>& values) {
  const int64_t n = std::ssize(values);
  std::vector<int64_t> order(n);
  std::iota(order.begin(), order.end(), int64_t{0});
  std::sort(
      order.begin(), order.end(), [&](int64_t a, int64_t b) { return values[a] < values[b]; });
  std::vector<double> ranks(n);
  for (int64_t begin = 0; begin < n;) {
    int64_t end = begin;
    while (end < n && values[order[end]] == values[order[begin]]) {
      ++end;
    }
    for (int64_t k = begin; k < end; ++k) {
      ranks[order[k]] = (to_double(begin + end) + 1.0) / 2.0;
    }
    begin = end;
  }
  return ranks;
}

double spearman(const std::vector<double>& a, const std::vector<double>& b) {
  const std::vector<double> rank_a = mean_ranks(a);
  const std::vector<double> rank_b = mean_ranks(b);
  const double mean = (to_double(std::ssize(a)) + 1.0) / 2.0;
  double ab = 0.0;
  double aa = 0.0;
  double bb = 0.0;
  for (size_t i = 0; i < a.size(); ++i) {
    ab += (rank_a[i] - mean) * (rank_b[i] - mean);
    aa += (rank_a[i] - mean) * (rank_a[i] - mean);
    bb += (rank_b[i] - mean) * (rank_b[i] - mean);
  }
  return aa > 0.0 && bb > 0.0 ? ab / std::sqrt(aa * bb) : 0.0;
}

std::vector<double> holm(const std::vector<double>& p_values) {
  const int64_t n = std::ssize(p_values);
  std::vector<int64_t> order(n);
  std::iota(order.begin(), order.end(), int64_t{0});
  std::stable_sort(
      order.begin(), order.end(), [&](int64_t a, int64_t b) { return p_values[a] < p_values[b]; });
  std::vector<double> adjusted(n);
  double largest = 0.0;
  for (int64_t k = 0; k < n; ++k) {
    largest = std::max(largest, std::min(1.0, to_double(n - k) * p_values[order[k]]));
    adjusted[order[k]] = largest;
  }
  return adjusted;
}

void HolmFamily::add(double p_value, std::optional<double>& adjusted) {
  p_values_.push_back(p_value);
  adjusted_.push_back(&adjusted);
}

void HolmFamily::adjust() const {
  const std::vector<double> adjusted = holm(p_values_);
  for (size_t i = 0; i < adjusted.size(); ++i) {
    *adjusted_[i] = adjusted[i];
  }
}

// Mann and Whitney's U from the ranks, with mid-ranks for ties.
double rank_auc(const std::vector<double>& scores, const std::vector<int>& labels) {
  const int64_t n = std::ssize(scores);
  std::vector<int64_t> order(n);
  std::iota(order.begin(), order.end(), 0);
  std::sort(
      order.begin(), order.end(), [&](int64_t a, int64_t b) { return scores[a] < scores[b]; });
  double rank_sum = 0.0;
  double n_positive = 0.0;
  for (int64_t begin = 0; begin < n;) {
    int64_t end = begin;
    double n_tied_positive = 0.0;
    while (end < n && scores[order[end]] == scores[order[begin]]) {
      n_tied_positive += labels[order[end]] == 1 ? 1.0 : 0.0;
      ++end;
    }
    rank_sum += n_tied_positive * 0.5 * to_double(begin + 1 + end);  // ranks start at 1
    n_positive += n_tied_positive;
    begin = end;
  }
  const double n_negative = to_double(n) - n_positive;
  if (n_positive == 0.0 || n_negative == 0.0) {
    return 0.5;
  }
  return (rank_sum - 0.5 * n_positive * (n_positive + 1.0)) / (n_positive * n_negative);
}

}  // namespace mascing
