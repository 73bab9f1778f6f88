// Sections of the report on measurements under random masks: expert effects and the closed loop.
#pragma once

#include <string>

#include "mascing/results.h"

namespace mascing {

/// Each returns HTML, or an empty string if there is nothing to show.
[[nodiscard]] std::string effects_section(const Results& results);
[[nodiscard]] std::string loop_section(const Results& results);
/// A table: how well the margins told the unsteered model's replies apart beforehand.
[[nodiscard]] std::string held_out_table(const OutcomeResult& outcome);
/// A paragraph: how well the margin of one prefill predicts what is generated.
[[nodiscard]] std::string outcome_paragraph(const OutcomeResult& outcome);

}  // namespace mascing
