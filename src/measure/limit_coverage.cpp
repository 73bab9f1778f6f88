// Shares are compared in whole numbers.
#include "measure/limit_coverage.h"

#include "stage/power.h"

namespace mascing {

void LimitCoverage::add(const ScenarioSet& set, int64_t n, int64_t n_all) {
  const bool has_limit = set.role != SetRole::kTarget && set.role != SetRole::kWatch;
  if (!has_limit || n_all == 0) {
    return;
  }
  const auto [found, is_new] = rows_.try_emplace(set.metric, Rows{n, n_all});
  Rows& least = found->second;
  if (n * least.n_all < least.n * n_all) {
    least = {n, n_all};
  }
}

std::vector<Warning> LimitCoverage::warnings(const std::string& where) const {
  std::string counts;
  for (const auto& [metric, rows] : rows_) {
    if (are_few(rows.n, rows.n_all)) {
      counts += (counts.empty() ? "" : ", ") + std::to_string(rows.n) + " of " +
                std::to_string(rows.n_all) + " of '" + metric + "'";
    }
  }
  if (counts.empty()) {
    return {};
  }
  return {{"limit_from_few",
           "limits " + where + " were judged from part of their conversations: " + counts +
               "; the others have no verdict without or with the mask",
           "run it again if a judge failed, or raise --context where conversations are too long; "
           "until then the limit says nothing of them"}};
}

}  // namespace mascing
