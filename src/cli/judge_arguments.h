// --judge and what belongs to it.
#pragma once

#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "mascing/judge_options.h"

namespace mascing::cli {

struct JudgeArguments {
  std::vector<std::string> judges;
  JudgeSpec details;  ///< of all judges that are named: only what an option can say

  /// --judge, --judge-known, --judge-model, --judge-key-env.
  void add_to(CLI::App& command);
  /// Replaces the judges of `options` by those named on the command line, if any are; the prefixes
  /// themselves stay what they were.
  void apply(JudgeOptions& options) const;
};

}  // namespace mascing::cli
