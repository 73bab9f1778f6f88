// The tables of a scenario about how the model is asked: [general], [generate], [template].
#pragma once

#include <filesystem>

#include "mascing/scenario.h"
#include "scenario/toml_reader.h"

namespace mascing {

// All of them throw Error{kUsage} with file and line, as TomlTable does.

[[nodiscard]] GeneralOptions read_general(const TomlTable& table,
                                          const std::filesystem::path& folder);
void read_generate(const TomlTable& table, Scenario& scenario);
[[nodiscard]] TemplateOptions read_template(const TomlTable& table);

}  // namespace mascing
