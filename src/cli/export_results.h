// Adds exported forms to the results and the report of the run that made the mask.
#pragma once

#include <string>

#include "export/router_update.h"
#include "mascing/mask.h"

namespace mascing::cli {

/// Throws Error{kMismatch} unless the results belong to this mask, and what reading them throws.
void require_results_of(const std::string& results, const Mask& mask);

/// Adds the measurements of the exported file `file` to the results, replacing an earlier entry of
/// the same name, and renders report.html next to them. Reports the files written on stderr.
void add_to_results(const std::string& results,
                    const std::string& file,
                    const std::string& form,
                    const RouterUpdate& update);

}  // namespace mascing::cli
