// How fast a model is on this machine, by asking it for a few seconds.
#pragma once

#include <cstdint>
#include <vector>

#include "mascing/forecast.h"
#include "mascing/host.h"

namespace mascing {

struct SpeedOptions {
  double measure_s = 4.0;  ///< about; a slow model takes as long as one prompt and a few tokens
  int64_t n_parallel = 16;
  bool with_gradient = false;
  Sampling sampling = {};  ///< limits of the replies
};

/// `prompts` must not be empty; those in front are used first. The first call of each kind, which
/// reads weights from the disk, is not timed. `gradient` stays 0 where the model has none.
[[nodiscard]] ModelSpeed measure_speed(Host& host,
                                       const std::vector<Prompt>& prompts,
                                       const SpeedOptions& options);

}  // namespace mascing
