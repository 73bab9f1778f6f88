// What the chosen mask has to beat, as a table for the terminal and as a section of the report.
#pragma once

#include <string>

#include "mascing/results.h"

namespace mascing {

/// Plain lines of at most 100 columns; empty if no baseline was measured.
[[nodiscard]] std::string baseline_lines(const Results& results);

/// HTML; likewise.
[[nodiscard]] std::string baselines_section(const Results& results);

}  // namespace mascing
