// Masks as the command line names them: FILE, or FILE=STRENGTH, one or several.
#pragma once

#include <string>
#include <vector>

#include "mascing/mask_algebra.h"

namespace mascing::cli {

/// "defend.gguf=0.8" -> the mask at 0.8; without a number at the mask's own suggestion. Throws
/// Error{kUsage} for a strength that is no finite number, and what read_mask throws.
[[nodiscard]] std::vector<WeightedMask> read_masks(const std::vector<std::string>& words);

/// True if the word carries a strength of its own.
[[nodiscard]] bool names_strength(const std::string& word);

/// Says on stderr which experts masks pull in opposite directions, if any do so noticeably.
void warn_of_conflicts(const std::vector<WeightedMask>& masks);

/// Both, and the sum.
[[nodiscard]] Mask compose_from(const std::vector<std::string>& words);

/// "mascing: warning: [id] text" and a line of advice on stderr.
void say_warning(const std::string& id, const std::string& text, const std::string& advice);

}  // namespace mascing::cli
