// Splits the general text.
#pragma once

#include <cstdint>
#include <vector>

#include "mascing/host.h"
#include "scenario/dataset.h"
#include "stage/evaluate.h"

namespace mascing {

/// The general text of a split as blocks. The first quarter is for discovery, the second for
/// selection, and the second half for the test.
[[nodiscard]] std::vector<TextBlock> text_blocks(const Host& host,
                                                 const Dataset& data,
                                                 const Scenario& scenario,
                                                 Split split,
                                                 TextForm form = TextForm::kRaw);
/// The form whose perplexity is limited: the scenario's, raw for a model without a chat template.
[[nodiscard]] TextForm limited_form(const Host& host, const Scenario& scenario);
/// The text in that form.
[[nodiscard]] std::vector<TextBlock> limited_blocks(const Host& host,
                                                    const Dataset& data,
                                                    const Scenario& scenario,
                                                    Split split);

}  // namespace mascing
