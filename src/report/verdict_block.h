// The verdict on the mask, before anything else: a box of the page and lines for the terminal.
#pragma once

#include <string>

#include "mascing/results.h"

namespace mascing {

/// `word` as people read it: "use with care"; "no mask found" where there was none to judge.
[[nodiscard]] std::string verdict_words(const Results& results, const std::string& word);
/// HTML, or an empty string if there is no verdict.
[[nodiscard]] std::string verdict_section(const Results& results);
/// "VERDICT: use with care" and one line per reason, or an empty string.
[[nodiscard]] std::string verdict_lines(const Results& results, bool colour);

}  // namespace mascing
