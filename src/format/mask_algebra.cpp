// Masks are matrices: their combination is a weighted sum, converted to one sigma.
#include "mascing/mask_algebra.h"

#include <algorithm>
#include <cmath>

#include "base/numeric.h"
#include "base/sha256.h"
#include "mascing/error.h"

namespace mascing {
namespace {

std::string joined(const std::string& a, const std::string& b) {
  return a == b || b.empty() ? a : a + "+" + b;
}

/// strength * S in units of the sigma that `reference` uses.
double weighted_entry(const WeightedMask& used, const Mask& reference, int64_t l, int64_t e) {
  const bool is_calibrated = used.mask.sigma_rule == SigmaRule::kCalibrated;
  const double unit = is_calibrated ? double{used.mask.sigma[l]} / double{reference.sigma[l]} : 1.0;
  return used.strength * unit * double{used.mask.row(l)[e]};
}

std::string describe(const WeightedMask& used) {
  return used.name + " (for '" + used.mask.model_name + "', " +
         used.mask.fingerprint.substr(0, 12) + ")";
}

}  // namespace

void require_same_origin(const WeightedMask& first, const WeightedMask& second) {
  if (first.mask.fingerprint != second.mask.fingerprint ||
      first.mask.n_layer != second.mask.n_layer || first.mask.n_expert != second.mask.n_expert) {
    throw Error(ErrorKind::kMismatch,
                "[mask] the masks are for different models: " + describe(first) + " and " +
                    describe(second),
                "only masks for the same model can be combined or compared");
  }
}

Mask compose_masks(const std::vector<WeightedMask>& masks) {
  if (masks.empty()) {
    throw Error(ErrorKind::kUsage, "[mask] no mask was given", "give at least one mask file");
  }
  Mask sum = masks[0].mask;
  sum.alpha = to_float(masks[0].strength);
  if (masks.size() == 1) {
    return sum;
  }
  std::string hashes;
  for (const WeightedMask& used : masks) {
    require_same_origin(masks[0], used);
    if (used.mask.sigma_rule != sum.sigma_rule) {
      throw Error(ErrorKind::kMismatch,
                  "[mask] " + masks[0].name + " measures sigma by the rule " +
                      to_string(sum.sigma_rule) + ", " + used.name + " by " +
                      to_string(used.mask.sigma_rule),
                  "only masks with the same rule can be combined");
    }
    hashes += used.mask.data_hash + " ";
  }
  for (int64_t l = 0; l < sum.n_layer; ++l) {
    for (int64_t e = 0; e < sum.n_expert; ++e) {
      double total = 0.0;
      for (const WeightedMask& used : masks) {
        total += weighted_entry(used, sum, l, e);
      }
      sum.row(l)[e] = to_float(total);
    }
  }
  for (size_t i = 1; i < masks.size(); ++i) {
    sum.scenario = joined(sum.scenario, masks[i].mask.scenario);
    sum.direction = joined(sum.direction, masks[i].mask.direction);
  }
  sum.alpha = 1.0F;
  sum.lambda = 0.0F;
  sum.threshold = 0.0F;
  sum.seed = 0;
  sum.method = "composed";
  sum.data_hash = sha256_hex(hashes);
  sum.metrics.clear();
  sum.validate();
  return sum;
}

MaskComparison compare_masks(const WeightedMask& first, const WeightedMask& second) {
  require_same_origin(first, second);
  MaskComparison found;
  double dot = 0.0;
  double square_a = 0.0;
  double square_b = 0.0;
  double square_difference = 0.0;
  double mass = 0.0;
  double lost = 0.0;
  for (int64_t l = 0; l < first.mask.n_layer; ++l) {
    for (int64_t e = 0; e < first.mask.n_expert; ++e) {
      const double a = weighted_entry(first, first.mask, l, e);
      const double b = weighted_entry(second, first.mask, l, e);
      found.n_first += a != 0.0 ? 1 : 0;
      found.n_second += b != 0.0 ? 1 : 0;
      found.n_shared += a != 0.0 && b != 0.0 ? 1 : 0;
      dot += a * b;
      square_a += a * a;
      square_b += b * b;
      square_difference += (a - b) * (a - b);
      mass += std::fabs(a) + std::fabs(b);
      if (a * b < 0.0) {
        lost += 2.0 * std::min(std::fabs(a), std::fabs(b));
        found.conflicts.push_back({l, e, a, b});
      }
    }
  }
  const double norms = std::sqrt(square_a * square_b);
  const double larger = std::sqrt(std::max(square_a, square_b));
  found.cosine = norms > 0.0 ? dot / norms : 0.0;
  found.difference = larger > 0.0 ? std::sqrt(square_difference) / larger : 0.0;
  found.cancelled = mass > 0.0 ? lost / mass : 0.0;
  std::stable_sort(
      found.conflicts.begin(), found.conflicts.end(), [](const auto& x, const auto& y) {
        return std::min(std::fabs(x.first), std::fabs(x.second)) >
               std::min(std::fabs(y.first), std::fabs(y.second));
      });
  return found;
}

}  // namespace mascing
