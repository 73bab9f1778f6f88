// Compares the exact mask with an exported form on the same texts.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "export/fidelity_record.h"
#include "format/router_traits.h"
#include "mascing/conversation.h"
#include "mascing/host.h"
#include "mascing/progress.h"

namespace mascing {

struct FidelityOptions {
  int64_t n_max_token = 100;                           ///< per reply, of its visible part
  int64_t n_max_reasoning_token = 512;                 ///< of its reasoning
  std::function<bool(const std::string&)> is_refusal;  ///< judges what is visible of replies
  /// Memory limit for outputs; texts that need more are read in pieces, each from the beginning.
  int64_t n_output_byte = int64_t{256} << 20;
  RouterTraits traits = {};  ///< how the model chooses experts; as it stands: by their logits
};

/// `exact` runs under `steering`; `exported` is the exported form of the same model without
/// steering. Both read the same texts (prompts with the exact mask's greedy replies), each with its
/// own hidden states, so early differences propagate. Where the token decides over the experts,
/// both choose the same. Throws Error{kInsufficient} if no conversation can be read.
[[nodiscard]] FidelityRecord compare_forms(Host& exact,
                                           Host& exported,
                                           const std::vector<Conversation>& conversations,
                                           const Steering& steering,
                                           const FidelityOptions& options,
                                           const Progress& progress = {});

}  // namespace mascing
