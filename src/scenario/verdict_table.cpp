// Ranges, and the order of each pair of limits.
#include "scenario/verdict_table.h"

#include <string>

#include "base/text.h"

namespace mascing {
namespace {

constexpr Range kVerdictShare{0.0, 1.0};
constexpr Range kVerdictRise{0.0, 1e6};

void require_order(const TomlTable& table, const std::string& what, double care, double most) {
  if (most < care) {
    table.fail("max_" + what,
               "is " + format_number(most, 3) + ", below care_" + what + " (" +
                   format_number(care, 3) + ")",
               "a mask is to be used with care before it is not to be used");
  }
}

}  // namespace

VerdictLimits read_verdict(const TomlTable& table) {
  table.expect_keys({"least_rate",
                     "care_loss",
                     "max_loss",
                     "care_perplexity_rise",
                     "max_perplexity_rise",
                     "care_divergence",
                     "max_divergence",
                     "max_unseen_drop"});
  VerdictLimits limits;
  table.get("least_rate", limits.least_rate, kVerdictShare);
  table.get("care_loss", limits.care_loss, kVerdictShare);
  table.get("max_loss", limits.max_loss, kVerdictShare);
  table.get("care_perplexity_rise", limits.care_perplexity_rise, kVerdictRise);
  table.get("max_perplexity_rise", limits.max_perplexity_rise, kVerdictRise);
  table.get("care_divergence", limits.care_divergence, kVerdictRise);
  table.get("max_divergence", limits.max_divergence, kVerdictRise);
  table.get("max_unseen_drop", limits.max_unseen_drop, kVerdictShare);
  require_order(table, "loss", limits.care_loss, limits.max_loss);
  require_order(table, "perplexity_rise", limits.care_perplexity_rise, limits.max_perplexity_rise);
  require_order(table, "divergence", limits.care_divergence, limits.max_divergence);
  return limits;
}

}  // namespace mascing
