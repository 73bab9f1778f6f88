// Mann and Whitney's statistic is a sum of ranks, so a shuffle draws the ranks of the smaller kind.
// The curve takes damped Newton steps.
#include "stage/margin_calibration.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <numeric>
#include <utility>

#include "base/numeric.h"
#include "base/random.h"
#include "stage/statistics.h"

namespace mascing {
namespace {

constexpr int64_t kShuffles = 20'000;
constexpr int kNewtonSteps = 100;
constexpr double kHessianRidge = 1e-9;
constexpr double kLikelihoodRatio = 3.84;  // 95th percentile of chi-squared, one degree of freedom
constexpr double kFar =
    4.0;  // nats beyond both medians: a few farther ones would flatten the curve
constexpr double kSteep = 20.0;  // slope per nat beyond which the kinds are separate

double median_of(std::vector<double> values) {
  if (values.empty()) {
    return 0.0;
  }
  std::sort(values.begin(), values.end());
  return quantile(values, 0.5);
}

std::vector<double> with_median_for_missing(const std::vector<double>& margins) {
  std::vector<double> known;
  std::copy_if(margins.begin(), margins.end(), std::back_inserter(known), [](double margin) {
    return std::isfinite(margin);
  });
  const double median = median_of(std::move(known));
  std::vector<double> all = margins;
  std::replace_if(
      all.begin(), all.end(), [](double margin) { return !std::isfinite(margin); }, median);
  return all;
}

/// Sum of the first `n` ranks.
double sum_of_first(const std::vector<double>& ranks, int64_t n) {
  return std::accumulate(ranks.begin(), ranks.begin() + n, 0.0);
}

/// The share of shuffled labelings whose wanted replies rank as high.
double shuffled_p_value(const std::vector<double>& scores,
                        const std::vector<int>& wanted,
                        int64_t n_wanted,
                        uint64_t seed) {
  std::vector<double> ranks = mean_ranks(scores);
  double reached = 0.0;
  for (size_t i = 0; i < ranks.size(); ++i) {
    reached += wanted[i] == 1 ? ranks[i] : 0.0;
  }
  const double sum_of_all = sum_of_first(ranks, std::ssize(ranks));
  const int64_t n_other = std::ssize(ranks) - n_wanted;
  const bool draws_wanted = n_wanted <= n_other;
  const int64_t n_drawn = std::min(n_wanted, n_other);
  Rng rng(seed);
  int64_t n_as_high = 0;
  for (int64_t k = 0; k < kShuffles; ++k) {
    for (int64_t i = 0; i < n_drawn; ++i) {
      std::swap(ranks[i], ranks[i + rng.below(std::ssize(ranks) - i)]);
    }
    const double drawn = sum_of_first(ranks, n_drawn);
    n_as_high += (draws_wanted ? drawn : sum_of_all - drawn) >= reached - 1e-9 ? 1 : 0;
  }
  return ratio(n_as_high + 1, kShuffles + 1);
}

/// a and b of p = sigmoid(a x + b).
struct Logistic {
  double a = 0.0;
  double b = 0.0;

  [[nodiscard]] double log_likelihood(const std::vector<double>& x,
                                      const std::vector<double>& target) const {
    double sum = 0.0;
    for (size_t i = 0; i < x.size(); ++i) {
      const double z = a * x[i] + b;
      // log sigmoid(z) = -log(1 + exp(-z)), stable on either side
      const double log_p = z > 0.0 ? -std::log1p(std::exp(-z)) : z - std::log1p(std::exp(z));
      sum += log_p - (1.0 - target[i]) * z;
    }
    return sum;
  }
};

/// One Newton step, halved until the likelihood rises; false if it does not.
bool take_newton_step(const std::vector<double>& x,
                      const std::vector<double>& target,
                      Logistic& curve) {
  double g_a = 0.0;
  double g_b = 0.0;
  double h_aa = kHessianRidge;
  double h_ab = 0.0;
  double h_bb = kHessianRidge;
  for (size_t i = 0; i < x.size(); ++i) {
    const double p = 1.0 / (1.0 + std::exp(-(curve.a * x[i] + curve.b)));
    const double rest = target[i] - p;
    const double weight = p * (1.0 - p);
    g_a += rest * x[i];
    g_b += rest;
    h_aa += weight * x[i] * x[i];
    h_ab += weight * x[i];
    h_bb += weight;
  }
  const double determinant = h_aa * h_bb - h_ab * h_ab;
  if (!(determinant > 0.0)) {
    return false;
  }
  const double d_a = (h_bb * g_a - h_ab * g_b) / determinant;
  const double d_b = (h_aa * g_b - h_ab * g_a) / determinant;
  const double before = curve.log_likelihood(x, target);
  for (double length = 1.0; length > 1e-6; length /= 2.0) {
    const Logistic next = {curve.a + length * d_a, curve.b + length * d_b};
    if (next.log_likelihood(x, target) > before + 1e-12) {
      curve = next;
      return true;
    }
  }
  return false;
}

/// The likeliest slope of a curve with p = 1/2 at `zero`; ends where it runs away.
double slope_through(double zero,
                     const std::vector<double>& x,
                     const std::vector<double>& verdict) {
  double a = 0.0;
  for (int i_step = 0; i_step < kNewtonSteps && a < kSteep; ++i_step) {
    double gradient = 0.0;
    double curvature = kHessianRidge;
    for (size_t i = 0; i < x.size(); ++i) {
      const double p = 1.0 / (1.0 + std::exp(-a * (x[i] - zero)));
      gradient += (verdict[i] - p) * (x[i] - zero);
      curvature += p * (1.0 - p) * (x[i] - zero) * (x[i] - zero);
    }
    const double step = std::clamp(gradient / curvature, -1.0, 1.0);
    a += step;
    if (std::fabs(step) < 1e-9) {
      break;
    }
  }
  return a;
}

/// Maximum likelihood from `curve` on; ends where the slope runs away.
Logistic fit_curve(Logistic curve,
                   const std::vector<double>& x,
                   const std::vector<double>& target) {
  int n_step = 0;
  while (n_step < kNewtonSteps && curve.a < kSteep && take_newton_step(x, target, curve)) {
    ++n_step;
  }
  return curve;
}

/// Median of the margins of replies of one kind.
double median_of_kind(const JudgedMargins& judged, int kind) {
  std::vector<double> margins;
  for (size_t i = 0; i < judged.margins.size(); ++i) {
    if (judged.wanted[i] == kind && std::isfinite(judged.margins[i])) {
      margins.push_back(judged.margins[i]);
    }
  }
  return median_of(std::move(margins));
}

void add_curve(const JudgedMargins& judged, MarginCalibration& found) {
  const std::pair<double, double> medians = {median_of_kind(judged, 0), median_of_kind(judged, 1)};
  const double least = std::min(medians.first, medians.second) - kFar;
  const double most = std::max(medians.first, medians.second) + kFar;
  std::vector<double> x;
  std::vector<double> target;
  std::vector<double> verdict;
  const double high = ratio(found.n_wanted + 1, found.n_wanted + 2);
  const double low = ratio(1, found.n_unwanted + 2);
  for (size_t i = 0; i < judged.margins.size(); ++i) {
    if (std::isfinite(judged.margins[i])) {
      x.push_back(std::clamp(judged.margins[i], least, most));
      target.push_back(judged.wanted[i] == 1 ? high : low);
      verdict.push_back(judged.wanted[i] == 1 ? 1.0 : 0.0);
    }
  }
  if (x.empty()) {
    return;
  }
  const Logistic smooth = fit_curve({}, x, target);
  found.has_curve = smooth.a > 0.0;
  if (!found.has_curve) {
    return;
  }
  const Logistic best = fit_curve(smooth, x, verdict);
  const double a = slope_through(found.zero, x, verdict);
  const Logistic through = {a, -a * found.zero};
  const double gain = best.log_likelihood(x, verdict) - through.log_likelihood(x, verdict);
  const bool keeps_zero = a > 0.0 && 2.0 * gain <= kLikelihoodRatio;
  found.slope = keeps_zero ? a : best.a;
  if (!keeps_zero) {
    const auto [first, last] = std::minmax_element(x.begin(), x.end());
    found.zero = std::clamp(-smooth.b / smooth.a, *first, *last);
  }
}

}  // namespace

MarginCalibration calibrate_margin(const JudgedMargins& judged, double zero, uint64_t seed) {
  MarginCalibration found;
  found.zero = zero;
  found.n_wanted = std::count(judged.wanted.begin(), judged.wanted.end(), 1);
  found.n_unwanted = std::ssize(judged.wanted) - found.n_wanted;
  if (std::min(found.n_wanted, found.n_unwanted) == 0) {
    return found;
  }
  const std::vector<double> scores = with_median_for_missing(judged.margins);
  found.auc = rank_auc(scores, judged.wanted);
  found.p_value = shuffled_p_value(scores, judged.wanted, found.n_wanted, seed);
  if (std::min(found.n_wanted, found.n_unwanted) >= kCalibrationReplies) {
    add_curve(judged, found);
  }
  return found;
}

}  // namespace mascing
