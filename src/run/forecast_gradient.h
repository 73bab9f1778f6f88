// How fast a model is differentiated on this machine.
#pragma once

#include <vector>

#include "mascing/forecast.h"
#include "mascing/host.h"

namespace mascing {

/// Adds tokens a second of gradients to `speed`, which knows how fast prompts are read; 0 where the
/// model has no exact gradients. Of prompts that take longer than `share_s`, parts are
/// differentiated. Where openings are differentiated in turn, a text with one opening is measured
/// apart.
void measure_gradient(Host& host,
                      const std::vector<Prompt>& prompts,
                      double share_s,
                      ModelSpeed& speed);

}  // namespace mascing
