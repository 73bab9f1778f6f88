// What `mascing run` and `mascing search` are told alike.
#pragma once

#include <string>

#include "cli/judge_arguments.h"
#include "cli/options.h"
#include "mascing/scenario.h"

namespace mascing::cli {

struct RunArguments {
  std::string scenario;
  std::string output = "out";
  uint64_t seed = 0;
  std::string method;
  std::string budget;
  bool json = false;
  SampleOptions samples;
  JudgeArguments judges;
  ModelOptions model;

  /// The scenario as an argument, the others as options.
  void add_to(CLI::App& command);
  /// The scenario with the methods that were asked for. Throws Error{kUsage}.
  [[nodiscard]] Scenario read() const;
  /// `command`: "run", "search". Throws Error{kUsage} for a budget that is none.
  [[nodiscard]] RunOptions options(const std::string& command) const;
};

}  // namespace mascing::cli
