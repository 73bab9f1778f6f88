// Results beyond the rates of greedy replies: reply endings and sampled replies.
#pragma once

#include <string>

#include "mascing/results.h"

namespace mascing {

/// HTML, or an empty string if there is nothing to show.
[[nodiscard]] std::string replies_section(const Results& results);

/// The same for the terminal.
[[nodiscard]] std::string reply_lines(const Results& results);

}  // namespace mascing
