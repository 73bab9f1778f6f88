// [baselines] of a scenario file.
#pragma once

#include "mascing/scenario.h"
#include "scenario/toml_reader.h"

namespace mascing {

/// Throws Error{kUsage} with file and line, also for a baseline that there is not.
[[nodiscard]] BaselineOptions read_baselines(const TomlTable& table);

}  // namespace mascing
