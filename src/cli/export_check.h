// The fidelity report of `mascing export --check`.
#pragma once

#include <string>
#include <vector>

#include "cli/options.h"
#include "export/fidelity_record.h"
#include "mascing/mask.h"

namespace mascing::cli {

/// Opens the original model and its exported form, compares them on the conversations of `path`
/// and prints the differences.
[[nodiscard]] FidelityRecord check_form(const ModelOptions& model,
                                        const LlamaHostOptions& exported,
                                        const Mask& mask,
                                        const std::string& path);

void print_fidelity(const FidelityRecord& record, const std::vector<int64_t>& blocks);

void remove_files(const std::vector<std::string>& paths);

}  // namespace mascing::cli
