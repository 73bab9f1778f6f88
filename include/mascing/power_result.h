// What the test split can show at best: a part of results.json.
#pragma once

#include <cstdint>

namespace mascing {

/// Of the target set. Computed before the search, from the discovery split's replies.
struct PowerResult {
  int64_t n_test = 0;          ///< conversations on the test split; 0 = not computed
  int64_t n_base = 0;          ///< discovery replies of the unsteered model with a verdict
  int64_t n_base_wanted = 0;   ///< those with the wanted outcome
  double base_rate = 0.0;      ///< their share
  double n_to_fix = 0.0;       ///< test conversations expected to lack the wanted outcome
  double n_to_fix_most = 0.0;  ///< the same at the upper end of the share's 95 % interval
  int64_t n_least_fixed = 0;   ///< fewest fixed conversations that are significant, none broken
  double least_rise = 0.0;     ///< those as a share of the test split
  double sure_rise = 0.0;      ///< true rise that comes out significant in 80 % of test splits
};

}  // namespace mascing
