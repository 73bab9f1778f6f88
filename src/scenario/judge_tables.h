// The judge tables of a scenario file, [judge] and [[judges]].
#pragma once

#include <filesystem>
#include <vector>

#include "mascing/judge_options.h"
#include "mascing/scenario.h"
#include "scenario/toml_reader.h"

namespace mascing {

/// Reads both tables of the scenario's root. Throws Error{kUsage} with file and line, also if a
/// judge is limited to a set that does not exist or a set is left without a judge.
[[nodiscard]] JudgeOptions read_judges(const TomlTable& root,
                                       const std::filesystem::path& folder,
                                       const std::vector<ScenarioSet>& sets);

}  // namespace mascing
