#include "stage/best_stretch.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "base/numeric.h"

namespace mascing {
namespace {

constexpr int64_t kNextTo = 3;        // steps behind a look, whose mean is compared with it
constexpr double kPriorReplies = 16;  // (0.4 / 0.1)^2: one reply scatters by .4, looks differ by .1

/// What the replies of a look say beyond the margins of the steps at `i_step`.
struct Excess {
  int64_t i_step = 0;
  double share = 0.0;
  double trust = 0.0;  ///< in the share, 0 to 1
};

double mean_of(const std::vector<double>& value, int64_t first, int64_t end) {
  return std::accumulate(value.begin() + first, value.begin() + end, 0.0) / to_double(end - first);
}

/// Of every look before and behind it: it may have changed how the margins are asked.
std::vector<Excess> excesses(const std::vector<double>& value, const std::vector<GainLook>& looks) {
  const int64_t n_step = std::ssize(value);
  std::vector<Excess> all;
  for (const GainLook& look : looks) {
    const double gained = ratio(look.n_gained, look.n);
    const double trust = to_double(look.n) / (to_double(look.n) + kPriorReplies);
    if (look.i_step > 0) {
      all.push_back({look.i_step - 1, gained - value[look.i_step - 1], trust});
    }
    if (look.i_step < n_step) {
      const int64_t end = std::min(n_step, look.i_step + kNextTo);
      all.push_back({look.i_step, gained - mean_of(value, look.i_step, end), trust});
    }
  }
  return all;
}

double interpolated(const std::vector<Excess>& all, int64_t i_step) {
  const auto above = std::lower_bound(
      all.begin(), all.end(), i_step, [](const Excess& e, int64_t i) { return e.i_step < i; });
  if (above == all.begin() || above == all.end()) {
    return above == all.begin() ? all.front().share : all.back().share;
  }
  const auto below = above - 1;
  const double done = ratio(i_step - below->i_step, above->i_step - below->i_step);
  return below->share + done * (above->share - below->share);
}

}  // namespace

std::vector<double> unseen_by_margins(const std::vector<double>& value,
                                      const std::vector<GainLook>& looks) {
  std::vector<double> of_step(value.size(), 0.0);
  if (looks.size() < 2) {
    return of_step;
  }
  std::vector<Excess> all = excesses(value, looks);
  double sum = 0.0;
  for (const Excess& excess : all) {
    sum += excess.share;
  }
  const double mean = sum / to_double(std::ssize(all));
  for (Excess& excess : all) {
    excess.share = (excess.share - mean) * excess.trust;
  }
  for (int64_t i = 0; i < std::ssize(value); ++i) {
    of_step[i] = interpolated(all, i);
  }
  return of_step;
}

int64_t best_stretch(const std::vector<double>& merit, int64_t i_first, int64_t n_stretch) {
  int64_t i_best = 0;
  double best = std::numeric_limits<double>::lowest();
  const int64_t n_step = std::ssize(merit);
  const int64_t late = n_step < 2 * n_stretch ? n_stretch : n_step / 2 + n_stretch;
  const int64_t first = std::min(n_step, std::max(late, i_first + n_stretch));
  for (int64_t end = first; n_stretch > 0 && end <= n_step; ++end) {
    const double sum = std::accumulate(merit.begin() + end - n_stretch, merit.begin() + end, 0.0);
    if (sum >= best) {
      best = sum;
      i_best = end - 1;
    }
  }
  return i_best;
}

}  // namespace mascing
