// Tells when so much was skipped that the rates may be those of a selection.
#pragma once

#include <vector>

#include "mascing/results.h"
#include "mascing/warning.h"
#include "scenario/dataset.h"

namespace mascing {

/// "rows_skipped" if more than 5 % of the conversations of `data` are among the skipped ones, or of
/// one split of a set.
[[nodiscard]] std::vector<Warning> skip_warnings(const Results& results, const Dataset& data);

}  // namespace mascing
