// Metric ids as people read them.
#pragma once

#include <string>

namespace mascing {

/// "dsr" -> "DSR", "benign_compliance" -> "benign compliance".
[[nodiscard]] std::string display_name(const std::string& id);

}  // namespace mascing
