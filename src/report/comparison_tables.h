// The tables of a comparison of runs, before they take a form.
#pragma once

#include <string>
#include <vector>

#include "mascing/run_comparison.h"

namespace mascing {

struct PlainTable {
  std::string caption;
  std::vector<std::string> heads;
  std::vector<bool> is_number;                 ///< per column
  std::vector<std::vector<std::string>> rows;  ///< unescaped
};

/// One row per run: what it is, its verdict, rates without and with the mask, damage.
[[nodiscard]] PlainTable runs_table(const std::vector<ComparedRun>& runs);
/// One row per difference.
[[nodiscard]] PlainTable differences_table(const std::vector<ComparedRun>& runs);
/// One row per run and metric, numbers with six digits.
[[nodiscard]] PlainTable long_table(const std::vector<ComparedRun>& runs);

}  // namespace mascing
