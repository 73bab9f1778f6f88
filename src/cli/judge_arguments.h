// --judge and related options.
#pragma once

#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "mascing/judge_options.h"
#include "mascing/scenario.h"

namespace mascing::cli {

struct JudgeArguments {
  std::vector<std::string> judges;
  JudgeSpec details;  ///< settings from options, applied to all named judges

  /// --judge, --judge-known, --judge-model, --judge-key-env.
  void add_to(CLI::App& command);
  /// Replaces the judges of `options` with those named on the command line, if any. The prefixes
  /// stay unchanged. Throws Error{kUsage} for details that belong to none of them, or not to all.
  void apply(JudgeOptions& options) const;
  /// The same for a scenario; throws Error{kUsage} if a set is then left without a judge.
  void apply(Scenario& scenario) const;
};

}  // namespace mascing::cli
