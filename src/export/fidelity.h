// Runs the exact mask and an exported form of it side by side and counts where they differ.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "export/fidelity_record.h"
#include "mascing/conversation.h"
#include "mascing/host.h"
#include "mascing/progress.h"

namespace mascing {

struct FidelityOptions {
  int64_t n_max_token = 100;                           ///< per reply
  std::function<bool(const std::string&)> is_refusal;  ///< judges replies
};

/// `exact` runs under `steering`; `exported` is the same model in its exported form, run as it is.
/// Both read the same texts (prompts with the exact mask's greedy replies), each with its own
/// hidden states: differences of early layers count again in later ones. Experts are those with the
/// largest logits; a bias on the choice alone and expert groups (DeepSeek-V3) are not looked at.
/// Throws Error{kInsufficient} if no conversation can be read.
[[nodiscard]] FidelityRecord compare_forms(Host& exact,
                                           Host& exported,
                                           const std::vector<Conversation>& conversations,
                                           const Steering& steering,
                                           const FidelityOptions& options,
                                           const Progress& progress = {});

}  // namespace mascing
