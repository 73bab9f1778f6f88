// Texts.
#include "run/power_check.h"

#include <cmath>
#include <string>

#include "base/text.h"
#include "mascing/error.h"

namespace mascing {

PowerResult require_power(const Dataset& data, const BaseReplies& base) {
  const LoadedSet& target = data.target();
  const PowerResult power = power_of(std::ssize(target.rows(Split::kTest)), base);
  if (!is_out_of_reach(power)) {
    return power;
  }
  const std::string least = std::to_string(power.n_least_fixed);
  const std::string left = base.n == 0
                               ? ""
                               : " (at most " + format_number(std::floor(power.n_to_fix_most), 0) +
                                     " of them can be expected to be left to fix)";
  throw Error(ErrorKind::kInsufficient,
              "[power] no mask could show a significant effect on '" + target.spec.metric +
                  "': its test split has " + counted(power.n_test, "conversation") + left +
                  ", and " + least + " must be fixed for p < 0.05",
              base.n == 0 ? "add conversations to the test split"
                          : "add conversations to the test split, or harder ones; the model "
                            "already behaves as wanted in " +
                                format_percent(power.base_rate));
}

std::vector<Warning> discovery_warnings(const LoadedSet& target) {
  const int64_t n = std::ssize(target.rows(Split::kDiscovery));
  if (n >= 2 * kFewConversations) {
    return {};
  }
  return {{"few_conversations",
           "the discovery split of '" + target.spec.metric + "' has " + std::to_string(n) +
               " conversations; from " + std::to_string(kFewConversations) +
               " of each outcome on, masks can be found reliably",
           "add conversations"}};
}

std::vector<Warning> hold_warnings(const Dataset& data) {
  std::vector<Warning> warnings;
  for (const LoadedSet& set : data.sets) {
    const int64_t n = std::ssize(set.rows(Split::kTest));
    if (set.spec.role == SetRole::kHold && n < kFewConversations) {
      warnings.push_back({set.spec.metric + "_small",
                          "the test split of '" + set.spec.metric + "' has " + std::to_string(n) +
                              " conversations: even if none is lost, a drop of up to " +
                              format_points(unseen_drop(n)) + " cannot be ruled out",
                          "add conversations that must stay refused"});
    }
  }
  return warnings;
}

}  // namespace mascing
