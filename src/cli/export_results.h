// Exported forms in the results of the run that made their mask, and on its report page.
#pragma once

#include <string>

#include "export/router_update.h"
#include "mascing/mask.h"

namespace mascing::cli {

/// Throws Error{kMismatch} unless the results are of the very mask, and what reading them throws.
void require_results_of(const std::string& results, const Mask& mask);

/// Adds what was measured of the exported file `file` to the results, in place of what stood there
/// for a file of this name, and draws report.html beside them again. Says so on stderr.
void add_to_results(const std::string& results,
                    const std::string& file,
                    const std::string& form,
                    const RouterUpdate& update);

}  // namespace mascing::cli
