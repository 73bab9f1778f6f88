// Results of an imaginary run, for the tests of what is drawn from them.
#pragma once

#include "mascing/results.h"

namespace mascing {

/// A defend run over a model of 2 MoE layers and 4 experts; every field is filled.
[[nodiscard]] Results sample_results();

}  // namespace mascing
