#include "scenario/baseline_table.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace mascing {
namespace {

constexpr std::array<std::string_view, 5> kMethods = {
    "paper", "mean_difference", "forced_experts", "control_vector", "system_prompt"};

}  // namespace

BaselineOptions read_baselines(const TomlTable& table) {
  table.expect_keys({"methods", "system_prompt", "random_masks"});
  BaselineOptions baselines;
  table.get("methods", baselines.methods);
  for (const std::string& method : baselines.methods) {
    if (std::find(kMethods.begin(), kMethods.end(), method) == kMethods.end()) {
      table.fail("methods",
                 "has \"" + method +
                     "\", expected paper, mean_difference, forced_experts, control_vector or "
                     "system_prompt",
                 "list the baselines to measure, or leave the key out for all");
    }
  }
  table.get("system_prompt", baselines.system_prompt);
  table.get("random_masks", baselines.n_random_mask, {0.0, 1e6});
  return baselines;
}

}  // namespace mascing
