// Masks are matrices: their combination is a weighted sum for each sigma rule, converted to one
// calibrated sigma.
#include "mascing/mask_algebra.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <memory>

#include "base/append.h"
#include "base/numeric.h"
#include "base/sha256.h"
#include "base/sorted_unique.h"
#include "mascing/error.h"

namespace mascing {
namespace {

std::string joined(const std::string& a, const std::string& b) {
  return a == b || b.empty() ? a : a + "+" + b;
}

/// The matrix whose sigma follows `rule`; null if there is none.
const std::vector<float>* part_of(const Mask& mask, SigmaRule rule) {
  if (mask.sigma_rule == rule) {
    return &mask.steer;
  }
  const auto part = std::find_if(mask.parts.begin(), mask.parts.end(), [&](const MaskPart& p) {
    return p.sigma_rule == rule;
  });
  return part == mask.parts.end() ? nullptr : &part->steer;
}

/// A layer's calibrated sigma in units of another mask's; the other rules measure it at use.
double unit_of(const Mask& mask, SigmaRule rule, const Mask& reference, int64_t l) {
  return rule == SigmaRule::kCalibrated ? double{mask.sigma[l]} / double{reference.sigma[l]} : 1.0;
}

/// Sum of strength * S over what the masks have of a rule, in units of the sigma of `reference`.
std::vector<float> summed(const std::vector<WeightedMask>& masks,
                          SigmaRule rule,
                          const Mask& reference) {
  std::vector<double> total(reference.steer.size(), 0.0);
  for (const WeightedMask& used : masks) {
    const std::vector<float>* steer = part_of(used.mask, rule);
    for (int64_t i = 0; steer != nullptr && i < std::ssize(total); ++i) {
      const double unit = unit_of(used.mask, rule, reference, i / reference.n_expert);
      total[i] += used.strength * unit * double{(*steer)[i]};
    }
  }
  std::vector<float> rounded(total.size());
  std::transform(total.begin(), total.end(), rounded.begin(), [](double x) { return to_float(x); });
  return rounded;
}

/// strength * S, all parts, in units of a layer's mean sigma in `reference`.
std::vector<double> in_units_of(const WeightedMask& used, const Mask& reference) {
  const bool is_of_one_rule = used.mask.parts.empty() && reference.parts.empty() &&
                              used.mask.sigma_rule == reference.sigma_rule;
  const SigmaRule rule = is_of_one_rule ? reference.sigma_rule : SigmaRule::kCalibrated;
  const std::vector<float> total = used.mask.total();
  std::vector<double> entries(total.size());
  for (int64_t i = 0; i < std::ssize(entries); ++i) {
    const double unit = unit_of(used.mask, rule, reference, i / reference.n_expert);
    entries[i] = used.strength * unit * double{total[i]};
  }
  return entries;
}

/// Adds a layer's rows of a mask's adapter, `up` at its strength.
void append_rows(const WeightedMask& used,
                 int64_t i_layer,
                 std::vector<float>& down,
                 std::vector<float>& up) {
  const RouterAdapter& adapter = used.mask.adapter;
  if (adapter.rank == 0) {
    return;
  }
  down.insert(down.end(), adapter.down_row(i_layer, 0), adapter.down_row(i_layer, adapter.rank));
  const float* first = adapter.up_of(i_layer, used.mask.n_expert);
  std::transform(
      first, first + adapter.rank * used.mask.n_expert, std::back_inserter(up), [&](float x) {
        return to_float(used.strength * x);
      });
}

/// Adapters side by side: the ranks add up, `up` takes the strengths. None if no mask has one.
RouterAdapter joined_adapters(const std::vector<WeightedMask>& masks) {
  RouterAdapter sum;
  for (const WeightedMask& used : masks) {
    sum.rank += used.mask.adapter.rank;
    sum.n_embd = std::max(sum.n_embd, used.mask.adapter.n_embd);
  }
  if (sum.rank == 0) {
    return {};
  }
  std::vector<float> down;
  for (int64_t l = 0; l < masks[0].mask.n_layer; ++l) {
    for (const WeightedMask& used : masks) {
      append_rows(used, l, down, sum.up);
    }
  }
  sum.down = std::make_shared<const AdapterDown>(std::move(down));
  return sum;
}

/// What any of the masks was made from.
std::vector<std::string> joined_conversations(const std::vector<WeightedMask>& masks) {
  std::vector<std::string> hashes;
  for (const WeightedMask& used : masks) {
    append(used.mask.conversations, hashes);
  }
  return sorted_unique(std::move(hashes));
}

std::string describe(const WeightedMask& used) {
  return used.name + " (for '" + used.mask.model_name + "', " +
         used.mask.fingerprint.substr(0, 12) + ")";
}

}  // namespace

void require_same_origin(const WeightedMask& first, const WeightedMask& second) {
  if (!have_same_routers(
          {first.mask.architecture, first.mask.fingerprint, first.mask.routers},
          {second.mask.architecture, second.mask.fingerprint, second.mask.routers}) ||
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
    hashes += used.mask.data_hash + " ";
  }
  sum.steer = summed(masks, sum.sigma_rule, masks[0].mask);
  sum.parts.clear();
  sum.adapter = joined_adapters(masks);
  for (const SigmaRule rule : {SigmaRule::kToken, SigmaRule::kCalibrated, SigmaRule::kBatch}) {
    const bool is_used = std::any_of(masks.begin(), masks.end(), [rule](const WeightedMask& used) {
      return used.mask.uses(rule);
    });
    if (is_used && rule != sum.sigma_rule) {
      sum.parts.push_back({rule, summed(masks, rule, masks[0].mask)});
    }
  }
  sum.conversations = joined_conversations(masks);
  for (size_t i = 1; i < masks.size(); ++i) {
    sum.scenario = joined(sum.scenario, masks[i].mask.scenario);
    sum.direction = joined(sum.direction, masks[i].mask.direction);
  }
  sum.alpha = 1.0F;
  sum.lambda = 0.0F;
  sum.threshold = 0.0F;
  sum.seed = 0;
  sum.method = sum.has_adapter() ? "composed router_adapter" : "composed";
  sum.data_hash = sha256_hex(hashes);
  sum.metrics.clear();
  sum.validate();
  return sum;
}

MaskComparison compare_masks(const WeightedMask& first, const WeightedMask& second) {
  require_same_origin(first, second);
  if (first.mask.has_adapter() || second.mask.has_adapter()) {
    throw Error(ErrorKind::kUsage,
                "[mask] a router adapter has no entries that could be compared: it pushes each "
                "token otherwise",
                "compare what they do: mascing report a/ b/");
  }
  MaskComparison found;
  double dot = 0.0;
  double square_a = 0.0;
  double square_b = 0.0;
  double square_difference = 0.0;
  double mass = 0.0;
  double lost = 0.0;
  const std::vector<double> entries_a = in_units_of(first, first.mask);
  const std::vector<double> entries_b = in_units_of(second, first.mask);
  for (int64_t l = 0; l < first.mask.n_layer; ++l) {
    for (int64_t e = 0; e < first.mask.n_expert; ++e) {
      const double a = entries_a[l * first.mask.n_expert + e];
      const double b = entries_b[l * first.mask.n_expert + e];
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
