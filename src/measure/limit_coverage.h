// From how many conversations of its set a limit was judged: those with a verdict on both sides.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "mascing/scenario.h"
#include "mascing/warning.h"

namespace mascing {

/// What one step judged limits from. Sets without a limit are ignored.
class LimitCoverage {
 public:
  /// `n` conversations of `n_all` have a verdict without and with a mask. A set that is judged
  /// several times, as by several masks, counts with its least share.
  void add(const ScenarioSet& set, int64_t n, int64_t n_all);

  /// `limit_from_few` if that is so for any set. `where`: "on the test split".
  [[nodiscard]] std::vector<Warning> warnings(const std::string& where) const;

 private:
  struct Rows {
    int64_t n = 0;
    int64_t n_all = 0;
  };

  std::map<std::string, Rows> rows_;  ///< by metric
};

}  // namespace mascing
