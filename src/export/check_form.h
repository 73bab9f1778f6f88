// The check of an exported form: exact mask and exported form side by side, and what was found as
// an entry of a run's results.
#pragma once

#include <string>
#include <vector>

#include "export/router_update.h"
#include "mascing/export.h"

namespace mascing {

/// Opens the model twice, as it is and as `exported` says, and compares them on the conversations
/// of options.check. Experts are chosen as follow_choice has it. Throws as require_effect.
[[nodiscard]] FidelityRecord check_form(const Mask& mask,
                                        const ExportOptions& options,
                                        const LlamaHostOptions& exported,
                                        const Progress& progress);

/// Throws Error{kInsufficient} if the exported form is as far from the exact mask as the model
/// without any, though the mask has an effect.
void require_effect(const FidelityRecord& record);

/// Of the conversations that were compared: those that the fit saw as well, and layers or replies
/// where the exported form differs much.
[[nodiscard]] std::vector<Warning> check_warnings(const FidelityRecord& record,
                                                  const ExportOptions& options);

/// The record of `update` as results.json has it, for the exported file `file`.
[[nodiscard]] ExportResult entry_of(const std::string& file,
                                    const std::string& form,
                                    const RouterUpdate& update);

}  // namespace mascing
