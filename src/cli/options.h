// Options shared by several commands, and small helpers.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "mascing/forecast.h"
#include "mascing/host.h"
#include "mascing/host_turns.h"
#include "mascing/llama_host.h"
#include "mascing/run.h"
#include "mascing/scenario.h"

namespace mascing::cli {

/// -m, --threads, --parallel, --batch, --context, --gpu-layers, --reasoning, --template-arg, and
/// those of the engine.
struct ModelOptions {
  LlamaHostOptions host;
  std::string reasoning;                        ///< empty = as in the scenario
  std::vector<std::string> template_arguments;  ///< added to the scenario's
  std::optional<int64_t> n_judge_gpu_layer;     ///< none = as the model's
  std::vector<std::string> judge_devices;       ///< empty = as the model's
  std::string judge_loading = "auto";           ///< or "beside", "turns"
  /// The model and its judges, once it is known that they are to take turns in memory.
  std::shared_ptr<std::optional<HostTurns>> turns = std::make_shared<std::optional<HostTurns>>();

  void add_to(CLI::App& command);
  /// --judge-gpu-layers, --judge-device, --judge-loading.
  void add_judge_to(CLI::App& command);
  /// Takes over what a scenario says of the chat template; the command line has the last word.
  void adopt(const TemplateOptions& scenario);
  /// Throws Error{kUsage} for an argument that is not NAME=VALUE.
  [[nodiscard]] TemplateOptions chat_template() const;
  /// Number of threads, with 0 resolved to the number of cores.
  [[nodiscard]] int64_t n_thread() const;
  /// Options that can change the last digits of a result, as one string.
  [[nodiscard]] std::string key() const;
  [[nodiscard]] std::unique_ptr<Host> open() const;
  /// Before anything is opened: whether model and judges take turns, by --judge-loading and what
  /// fits.
  void place_judges(SpaceForecast& space) const;
  [[nodiscard]] std::optional<HostTurns>& turns_if_wanted() const;
  /// Opens a judge's model with this one's threads, on the devices that were chosen for it.
  [[nodiscard]] OpenJudgeModel judge_opener() const;
  /// What `command` was given of this model's options, and its template, as words for another
  /// command of mascing.
  [[nodiscard]] std::vector<std::string> words(const CLI::App& command) const;
  /// The run options derived from these model options. `command` is recorded in the results.
  [[nodiscard]] RunOptions run_options(const std::string& output,
                                       uint64_t seed,
                                       const std::string& command) const;
};

/// As open_llama_host; a requested stop ends the host's calls.
[[nodiscard]] std::unique_ptr<Host> open_interruptible_host(const LlamaHostOptions& options);

/// --samples and --sample-temperature: sampled replies on the test split.
struct SampleOptions {
  int64_t n_sample = -1;      ///< -1 = as in the scenario
  double temperature = -1.0;  ///< likewise

  void add_to(CLI::App& command);
  void apply(Scenario& scenario) const;
};

/// --fail-on: which verdicts end in exit code 3.
struct VerdictOptions {
  std::string fail_on = "never";

  void add_to(CLI::App& command);
  /// 0, or 3 where the verdict is one that --fail-on names.
  [[nodiscard]] int exit_code(const MaskVerdict& verdict) const;
};
/// As an output: not a file of this name.
inline constexpr const char* kStandardOutput = "-";

void add_seed(CLI::App& command, uint64_t& seed);
/// --no-history.
void add_history_switch(CLI::App& command, bool& has_no_history);
void add_threads(CLI::App& command, int64_t& n_thread);
[[nodiscard]] int64_t resolve_threads(int64_t n_thread);

/// True if stdout is a terminal and NO_COLOR is not set.
[[nodiscard]] bool wants_colour();
/// The files of a trace store, which no output may replace.
[[nodiscard]] std::vector<std::string> files_of_traces(const std::string& folder);
/// Words of a command to copy, quoted for the shell where they need it.
[[nodiscard]] std::string command_line(const std::vector<std::string>& words);
/// Prints on stderr which file was written and which command to run next.
void say_written(const std::string& path, const std::string& next);
/// An option that has no effect is a misunderstanding: throws Error{kUsage} for the first of
/// `names` that `command` was given `with` something else.
void refuse_options(const CLI::App& command,
                    const std::vector<std::string>& names,
                    const std::string& with);
/// Adds examples to a command's help, placed first.
void add_examples(CLI::App& command, const std::string& examples);

}  // namespace mascing::cli
