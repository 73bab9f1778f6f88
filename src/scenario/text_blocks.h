// Splits the general text.
#pragma once

#include <cstdint>
#include <vector>

#include "mascing/host.h"
#include "scenario/dataset.h"

namespace mascing {

/// The general text of a split as blocks. The first quarter is for discovery, the second for
/// selection, and the second half for the test.
[[nodiscard]] std::vector<std::vector<int32_t>> text_blocks(const Host& host,
                                                            const Dataset& data,
                                                            const Scenario& scenario,
                                                            Split split);

}  // namespace mascing
