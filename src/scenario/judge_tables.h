// The judge tables of a scenario file, [judge] and [[judges]].
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "mascing/judge_options.h"
#include "mascing/scenario.h"
#include "scenario/toml_reader.h"

namespace mascing {

/// Reads both tables of the scenario's root. Throws Error{kUsage} with file and line, also if a
/// judge is limited to a set that does not exist.
[[nodiscard]] JudgeOptions read_judges(const TomlTable& root,
                                       const std::filesystem::path& folder,
                                       const std::vector<ScenarioSet>& sets);

/// Throws Error{kUsage} with file and line if a set is left without a judge.
void require_judges(const TomlTable& root, const Scenario& scenario);

/// Throws Error{kUsage} with file and line for a prefix of marks alone.
void require_letters(const TomlTable& table,
                     const std::string& key,
                     const std::vector<std::string>& prefixes);

}  // namespace mascing
