// Whether a margin tells wanted replies from others, and from which margin on a reply is the wanted
// one: a rank test and a logistic curve over replies that were judged.
#pragma once

#include <cstdint>
#include <vector>

namespace mascing {

/// Margins of conversations with judged replies, nats. Not-a-number where there is none.
struct JudgedMargins {
  std::vector<double> margins;
  std::vector<int> wanted;  ///< 1: the reply was the wanted one, 0: it was the opposite
};

/// Below, a search that follows the margin is not started.
inline constexpr double kLeastMarginAuc = 0.75;
/// Above, the AUC may be chance: one random labeling in a thousand comes out below.
inline constexpr double kMarginChance = 1e-3;
/// Replies of each kind that a logistic curve needs.
inline constexpr int64_t kCalibrationReplies = 10;

struct MarginCalibration {
  int64_t n_wanted = 0;
  int64_t n_unwanted = 0;
  double auc = 0.5;        ///< of the margins; those that are missing count as the median
  double p_value = 1.0;    ///< chance of an AUC this high if the verdicts were shuffled
  bool has_curve = false;  ///< the kinds are large enough, and p(wanted) rises with the margin
  double zero = 0.0;       ///< margin with p(wanted) = 1/2; without a curve the assumed one
  double slope = 0.0;      ///< p(wanted) = sigmoid(slope (margin - zero)), per nat

  [[nodiscard]] bool is_usable() const {
    return auc >= kLeastMarginAuc && p_value <= kMarginChance;
  }
};

/// p-value: one-sided permutation test, 20,000 shuffles, the same for the same seed. Curve: maximum
/// likelihood, steep where the kinds are separate. `zero` is where p(wanted) = 1/2 is assumed to
/// lie; it stands unless the verdicts speak against it (likelihood ratio, 5 %). If they do, the
/// zero is that of the likeliest curve with Platt's targets (1999), (n + 1) / (n + 2) instead of 1,
/// and within the range of the margins.
[[nodiscard]] MarginCalibration calibrate_margin(const JudgedMargins& judged,
                                                 double zero,
                                                 uint64_t seed);

}  // namespace mascing
