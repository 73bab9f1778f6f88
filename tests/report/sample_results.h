// Results of an imaginary run, for the tests of what is drawn from them.
#pragma once

#include <cstdint>
#include <string>

#include "mascing/results.h"

namespace mascing {

/// A defend run over a model of 2 MoE layers and 4 experts; every field is filled.
[[nodiscard]] Results sample_results();

/// How often `part` stands in `text`.
[[nodiscard]] int64_t count_of(const std::string& text, const std::string& part);

}  // namespace mascing
