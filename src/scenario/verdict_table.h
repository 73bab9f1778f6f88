// The table [verdict] of a scenario: where a verdict on a mask turns.
#pragma once

#include "mascing/mask_verdict.h"
#include "scenario/toml_reader.h"

namespace mascing {

/// Throws Error{kUsage} with file and line, also for a limit of "do not use" below its "with care".
[[nodiscard]] VerdictLimits read_verdict(const TomlTable& table);

}  // namespace mascing
