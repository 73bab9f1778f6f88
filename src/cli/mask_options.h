// Masks on the command line: one or more of FILE or FILE=STRENGTH.
#pragma once

#include <string>
#include <vector>

#include "mascing/mask_algebra.h"
#include "mascing/warning.h"

namespace mascing::cli {

/// The files in FILE and FILE=STRENGTH.
[[nodiscard]] std::vector<std::string> paths_of_masks(const std::vector<std::string>& words);
/// "defend.gguf=0.8" -> the mask at 0.8; without a number, at the strength stored in the mask.
/// Throws Error{kUsage} for a strength that is no number within kMaxStrength, and what read_mask
/// throws.
[[nodiscard]] std::vector<WeightedMask> read_masks(const std::vector<std::string>& words);

/// Warns on stderr about a mask that is named twice, whose strengths add up, and about experts for
/// which masks have noticeably opposite signs.
void warn_of_conflicts(const std::vector<WeightedMask>& masks);

/// Reads the masks, warns about conflicts and returns their sum.
[[nodiscard]] Mask compose_from(const std::vector<std::string>& words);

/// Prints "mascing: warning: [id] text" and a line of advice on stderr.
void say_warning(const std::string& id, const std::string& text, const std::string& advice);
/// The same for several.
void say_warnings(const std::vector<Warning>& warnings);

}  // namespace mascing::cli
