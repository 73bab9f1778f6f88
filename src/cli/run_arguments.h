// Arguments shared by `mascing run` and `mascing search`.
#pragma once

#include <string>
#include <vector>

#include "cli/judge_arguments.h"
#include "cli/options.h"
#include "mascing/forecast.h"
#include "mascing/scenario.h"

namespace mascing::cli {

/// Seconds for which speeds are measured at the start of a run.
inline constexpr double kForecastGlance = 1.0;

struct RunArguments {
  std::string scenario;
  std::string output = "out";
  uint64_t seed = 0;
  std::string method;
  std::string budget;
  bool json = false;
  bool is_quiet = false;
  std::vector<std::string> inputs;  ///< the model and all files of the scenario, known by read()
  const CLI::App* command = nullptr;
  SampleOptions samples;
  JudgeArguments judges;
  ModelOptions model;

  /// Adds the scenario as an argument and the others as options.
  void add_to(CLI::App& to);
  /// Reads the scenario, applies --method, and takes its template over to the model's options.
  /// Throws Error{kUsage}.
  [[nodiscard]] Scenario read();
  /// The options of the model, as words for another command.
  [[nodiscard]] std::vector<std::string> model_words() const { return model.words(*command); }
  /// `line` is the whole command line, for the record. Throws Error{kUsage} for an invalid budget.
  [[nodiscard]] RunOptions options(const std::string& line) const;
  /// Of a forecast that measures speeds for so many seconds.
  [[nodiscard]] ForecastOptions forecast_options(double measure_s) const;
};

}  // namespace mascing::cli
