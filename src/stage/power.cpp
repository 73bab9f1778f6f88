// Sums of binomial terms, taken in logarithms.
#include "stage/power.h"

#include <algorithm>
#include <cmath>

#include "base/numeric.h"
#include "base/text.h"
#include "stage/statistics.h"

namespace mascing {
namespace {

constexpr double kPower = 0.8;          // share of test splits in which a true rise comes out
constexpr int kHalvings = 40;           // of the interval in which that rise is searched
constexpr double kDropRounding = 1e-9;  // rates this close are the same rate

/// P[Binomial(n, p) >= k].
double binomial_tail(int64_t n, double p, int64_t k) {
  if (k <= 0 || p >= 1.0) {
    return k <= n ? 1.0 : 0.0;
  }
  double below = 0.0;
  for (int64_t i = 0; i < std::min(k, n + 1) && p > 0.0; ++i) {
    const double log_choose = std::lgamma(to_double(n) + 1.0) - std::lgamma(to_double(i) + 1.0) -
                              std::lgamma(to_double(n - i) + 1.0);
    below += std::exp(log_choose + to_double(i) * std::log(p) + to_double(n - i) * std::log1p(-p));
  }
  return p > 0.0 ? std::clamp(1.0 - below, 0.0, 1.0) : 0.0;
}

/// True rise, none broken, at which at least `n_fixed` of `n` are fixed with probability `kPower`;
/// 1 if there is none.
double sure_rise_of(int64_t n, int64_t n_fixed) {
  double low = 0.0;
  double high = 1.0;
  for (int i = 0; i < kHalvings; ++i) {
    const double middle = (low + high) / 2.0;
    (binomial_tail(n, middle, n_fixed) >= kPower ? high : low) = middle;
  }
  return high;
}

std::string about_text(double n) {
  return format_number(n, n < 10.0 ? 1 : 0);
}

}  // namespace

int64_t least_fixed() {
  int64_t n = 1;
  while (mcnemar_exact(n, 0) >= kSignificance) {
    ++n;
  }
  return n;
}

PowerResult power_of(int64_t n_test, const BaseReplies& base) {
  PowerResult power;
  power.n_test = n_test;
  power.n_base = base.n;
  power.n_base_wanted = base.n_wanted;
  const Rate wanted = wilson(base.n_wanted, base.n);
  power.base_rate = wanted.rate;
  power.n_to_fix = to_double(n_test) * (1.0 - wanted.rate);
  power.n_to_fix_most = to_double(n_test) * (1.0 - wanted.low);
  power.n_least_fixed = least_fixed();
  power.least_rise = n_test > 0 ? ratio(power.n_least_fixed, n_test) : 1.0;
  power.sure_rise = sure_rise_of(n_test, power.n_least_fixed);
  return power;
}

bool is_out_of_reach(const PowerResult& power) {
  return power.n_to_fix_most < to_double(power.n_least_fixed);
}

std::vector<Warning> power_warnings(const std::string& metric, const PowerResult& power) {
  std::vector<Warning> warnings;
  const int64_t n_other = power.n_base - power.n_base_wanted;
  if (power.n_base > 0 && std::min(power.n_base_wanted, n_other) < kFewConversations) {
    warnings.push_back(
        {"few_conversations",
         "the discovery split of '" + metric + "' has " + std::to_string(power.n_base_wanted) +
             " conversations with the wanted outcome and " + std::to_string(n_other) +
             " without it; from " + std::to_string(kFewConversations) +
             " of each on, masks can be found reliably",
         "add conversations of the smaller class"});
  }
  if (power.n_base > 0 && power.n_to_fix < 2.0 * to_double(power.n_least_fixed)) {
    warnings.push_back({"weak_test",
                        "about " + about_text(power.n_to_fix) + " of " +
                            std::to_string(power.n_test) + " test conversations of '" + metric +
                            "' are left to fix, and " + std::to_string(power.n_least_fixed) +
                            " must be fixed for p < 0.05",
                        "add conversations to the test split, or harder ones"});
  }
  return warnings;
}

double allowed_drop(int64_t n, double max_drop) {
  if (n <= 0) {
    return max_drop;
  }
  const bool is_chance = binomial_tail(n, std::clamp(max_drop, 0.0, 1.0), 1) >= kSignificance;
  return is_chance ? std::max(max_drop, ratio(1, n) + kDropRounding) : max_drop;
}

bool are_few(int64_t n, int64_t n_all) {
  return 5 * n < 4 * n_all;
}

double unseen_drop(int64_t n) {
  return n > 0 ? 1.0 - std::pow(0.05, 1.0 / to_double(n)) : 1.0;
}

}  // namespace mascing
