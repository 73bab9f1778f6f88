// Comparison of the chosen mask with the baselines, for the terminal and the report.
#pragma once

#include <string>

#include "mascing/results.h"

namespace mascing {

/// Plain lines of at most 100 columns; empty if no baseline was measured.
[[nodiscard]] std::string baseline_lines(const Results& results);

/// HTML; empty if no baseline was measured.
[[nodiscard]] std::string baselines_section(const Results& results);

}  // namespace mascing
