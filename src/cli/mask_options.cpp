// Reads masks named on the command line.
#include "cli/mask_options.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <iostream>
#include <set>
#include <system_error>

#include "base/files.h"
#include "base/text.h"
#include "cli/messages.h"
#include "mascing/error.h"
#include "mascing/mask_file.h"

namespace mascing::cli {
namespace {

constexpr double kNoticeable = 0.1;  // smaller entries are below what masks keep
constexpr size_t kShown = 3;

struct Word {
  std::string path;
  bool has_strength = false;
  double strength = 0.0;
};

// A file name may contain "="; only the part after the last one can be a strength.
Word divide(const std::string& word) {
  const size_t sign = word.rfind('=');
  if (sign == std::string::npos || file_exists(word)) {
    return {word, false, 0.0};
  }
  Word divided{word.substr(0, sign), true, 0.0};
  const char* begin = word.data() + sign + 1;
  const char* end = word.data() + word.size();
  const auto [stop, failure] = std::from_chars(begin, end, divided.strength);
  if (failure != std::errc{} || stop != end || !(std::fabs(divided.strength) <= kMaxStrength)) {
    throw Error(ErrorKind::kUsage,
                "[mask] '" + printable(word) + "': the strength after '=' is not a number from -" +
                    format_number(kMaxStrength, 0) + " to " + format_number(kMaxStrength, 0),
                "write the file, '=' and the strength, as in defend.gguf=0.8");
  }
  return divided;
}

std::string signed_number(double value) {
  std::string text = value > 0 ? "+" : "";
  text += format_number(value, 2);
  return text;
}

void warn_of_pair(const WeightedMask& first, const WeightedMask& second) {
  if (first.mask.has_adapter() || second.mask.has_adapter()) {
    return;  // adapters have no entries that could be opposed
  }
  const MaskComparison found = compare_masks(first, second);
  std::string examples;
  size_t n = 0;
  for (const MaskConflict& conflict : found.conflicts) {
    if (std::min(std::fabs(conflict.first), std::fabs(conflict.second)) < kNoticeable) {
      break;
    }
    if (n++ < kShown) {
      examples += (examples.empty() ? "" : ", ") + std::string("block ") +
                  std::to_string(first.mask.blocks[conflict.i_layer]) + " expert " +
                  std::to_string(conflict.i_expert) + " (" + signed_number(conflict.first) +
                  " vs. " + signed_number(conflict.second) + ")";
    }
  }
  if (n > 0) {
    say_warning(
        "masks_disagree",
        first.name + " and " + second.name + " have opposite signs for " + std::to_string(n) +
            " experts; " + format_number(100.0 * found.cancelled, 0) +
            " % of their magnitude cancels: " + examples,
        "measure the combined mask on both scenarios before use: mascing eval --mask A --mask B");
  }
}

/// A mask that is named twice acts at both strengths together.
void warn_of_repeated(const std::vector<WeightedMask>& masks) {
  std::set<std::string> known;
  for (const WeightedMask& used : masks) {
    std::error_code failure;
    const auto path = std::filesystem::weakly_canonical(used.name, failure);
    if (!failure && !known.insert(path.string()).second) {
      say_warning("mask_repeated",
                  printable(used.name, 200) + " is given twice, so that its strengths add up",
                  "name it once, at the strength that is meant");
    }
  }
}

}  // namespace

void say_warning(const std::string& id, const std::string& text, const std::string& advice) {
  const std::string start = "mascing: warning: [" + id + "]";
  std::cerr << message_text(start, text, 2);
  if (!advice.empty()) {
    std::cerr << message_text("  advice:", advice, 4);
  }
}

void say_warnings(const std::vector<Warning>& warnings) {
  for (const Warning& warning : warnings) {
    say_warning(warning.id, warning.text, warning.advice);
  }
}

std::vector<std::string> paths_of_masks(const std::vector<std::string>& words) {
  std::vector<std::string> paths;
  paths.reserve(words.size());
  for (const std::string& word : words) {
    paths.push_back(divide(word).path);
  }
  return paths;
}

std::vector<WeightedMask> read_masks(const std::vector<std::string>& words) {
  std::vector<WeightedMask> masks;
  for (const std::string& word : words) {
    const Word divided = divide(word);
    WeightedMask used;
    used.mask = read_mask(divided.path);
    used.strength = divided.has_strength ? divided.strength : used.mask.alpha;
    used.name = divided.path;
    if (!(std::fabs(used.strength) <= kMaxStrength)) {
      throw Error(ErrorKind::kUsage,
                  "[mask] " + printable(divided.path) + " has the strength " +
                      format_number(used.strength, 2) + ", expected at most " +
                      format_number(kMaxStrength, 0),
                  "give another one behind the file, as in defend.gguf=0.8");
    }
    masks.push_back(std::move(used));
  }
  return masks;
}

void warn_of_conflicts(const std::vector<WeightedMask>& masks) {
  warn_of_repeated(masks);
  for (size_t i = 0; i < masks.size(); ++i) {
    for (size_t j = i + 1; j < masks.size(); ++j) {
      warn_of_pair(masks[i], masks[j]);
    }
  }
}

Mask compose_from(const std::vector<std::string>& words) {
  const std::vector<WeightedMask> masks = read_masks(words);
  Mask sum = compose_masks(masks);
  warn_of_conflicts(masks);
  return sum;
}

}  // namespace mascing::cli
