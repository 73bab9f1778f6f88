// `mascing run`: the whole pipeline.
#include <iostream>
#include <utility>

#include <unistd.h>

#include "cli/commands.h"
#include "cli/data_table.h"
#include "cli/forecast_table.h"
#include "cli/line_reader.h"
#include "cli/progress_line.h"
#include "cli/run_arguments.h"
#include "format/model_file.h"
#include "mascing/error.h"
#include "mascing/forecast.h"
#include "mascing/report.h"
#include "mascing/run.h"
#include "report/columns.h"
#include "report/trade_off.h"

namespace mascing::cli {
namespace {

constexpr double kRehearsal = 6.0;  // seconds for which speeds are measured

struct Arguments : RunArguments {
  bool with_baselines = false;
  bool is_dry = false;
  bool is_forced = false;  ///< runs though it does not fit
  bool is_agreed = false;  ///< to the one look at the test split
  VerdictOptions verdict;

  /// Throws Error{kInsufficient} for what does not fit, unless it is to run anyway.
  void require_room(const SpaceForecast& space) const {
    if (!is_forced) {
      mascing::require_room(space);
    }
  }
};

void print_outcome(const RunOutcome& outcome, const RunArguments& arguments) {
  if (arguments.json) {
    std::cout << to_json(outcome.results);
  } else {
    std::cout << render_table(outcome.results, wants_colour());
  }
  std::cout << std::flush;
  if (arguments.is_quiet) {
    return;
  }
  if (outcome.was_finished) {
    std::cerr << "nothing has changed since the last run; showing its results\n";
  }
  const bool has_slash = !arguments.output.empty() && arguments.output.back() == '/';
  const std::string prefix = arguments.output + (has_slash ? "" : "/");
  std::cerr << "wrote " << (outcome.failure.empty() ? prefix + "mask.gguf, " : "") << prefix
            << "results.json, " << prefix << "report.html\n";
  if (outcome.failure.empty()) {
    std::cerr << "next: open " << prefix << "report.html, or inspect the mask: "
              << command_line({"mascing", "mask", "show", prefix + "mask.gguf"}) << '\n';
  }
}

/// What a run takes, for a model that fits.
struct Rehearsed {
  std::unique_ptr<Host> host;
  ForecastOptions options;
  SpaceForecast space;

  [[nodiscard]] Forecast forecast(const Scenario& scenario) const {
    Forecast forecast = forecast_run(scenario, *host, options);
    forecast.space = space;
    return forecast;
  }
};

/// Opens the model if there is room for it.
Rehearsed open_where_it_fits(const Arguments& arguments,
                             const Scenario& scenario,
                             double measure_s) {
  Rehearsed rehearsed;
  rehearsed.options = arguments.forecast_options(measure_s);
  rehearsed.options.with_baselines = arguments.with_baselines;
  rehearsed.space = forecast_space(scenario, rehearsed.options);
  arguments.model.place_judges(rehearsed.space);
  arguments.require_room(rehearsed.space);
  rehearsed.options.model.clear();  // its file has been read
  rehearsed.host = arguments.model.open();
  return rehearsed;
}

/// The data alone, or with a model what a run on it takes.
void rehearse(const Arguments& arguments, const Scenario& scenario) {
  const DataSummary summary = summarise_data(scenario, arguments.seed);
  if (arguments.model.host.path.empty()) {
    print_data(summary, nullptr, arguments.json);
    return;
  }
  const Rehearsed rehearsed = open_where_it_fits(arguments, scenario, kRehearsal);
  const Forecast forecast = rehearsed.forecast(scenario);
  print_data(summary, &forecast, arguments.json);
}

/// True if somebody is there to answer, and has not done so with --yes.
bool asks_before_test(const Arguments& arguments) {
  return !arguments.is_agreed && isatty(STDIN_FILENO) == 1 && isatty(STDERR_FILENO) == 1;
}

/// Opens the model if there is room for it, and says what the run will take.
std::unique_ptr<Host> open_with_forecast(const Arguments& arguments,
                                         const Scenario& scenario,
                                         ProgressLine& line) {
  Rehearsed rehearsed = open_where_it_fits(arguments, scenario, kForecastGlance);
  if (!arguments.is_quiet) {
    const Forecast forecast = rehearsed.forecast(scenario);
    std::cerr << "forecast: " << forecast_words(forecast)
              << ";\n  less what an earlier run left; --dry-run shows it by stage\n";
    if (asks_before_test(arguments)) {
      std::cerr << "You will be asked before the test, unless you give --yes.\n";
    }
    line.expect(forecast);
  }
  return std::move(rehearsed.host);
}

/// The question before the test, with the mask that it is about.
AgreesToTest test_question(const Arguments& arguments,
                           const Scenario& scenario,
                           ProgressLine& line) {
  if (!asks_before_test(arguments)) {
    return {};
  }
  return [&](const CandidateResult& trial) {
    line.finish_line();
    std::cerr << mascing::wrapped("chosen", trial_line(trial, scenario.target().metric), 2);
    LineReader lines(std::cin, true, "");
    return agrees_to_test(lines);
  };
}

void execute(Arguments& arguments, Session& session) {
  if (!arguments.is_dry && arguments.model.host.path.empty()) {
    throw CLI::RequiredError("--model");
  }
  const Scenario scenario = arguments.read();
  if (arguments.is_dry) {
    (void)arguments.options(session.command_line);  // a budget that cannot be read fails here, too
    rehearse(arguments, scenario);
    session.exit_code = 0;
    return;
  }
  const ModelInfo info = read_model_info(arguments.model.host.path);
  RunOptions options = arguments.options(session.command_line);
  options.with_baselines = arguments.with_baselines;
  ProgressLine line(
      arguments.is_quiet,
      {scenario, arguments.with_baselines ? RunSteps::End::kBaselines : RunSteps::End::kTest});
  options.agrees_to_test = test_question(arguments, scenario, line);
  const RunOutcome outcome = run_scenario(
      scenario,
      info,
      [&] { return open_with_forecast(arguments, scenario, line); },
      options,
      line.callback());
  line.finish_line();
  print_outcome(outcome, arguments);
  if (!outcome.failure.empty()) {
    throw Error(ErrorKind::kInsufficient,
                "[run] " + outcome.failure,
                "no mask was written; see results.json and report.html for what was tried");
  }
  session.exit_code = arguments.verdict.exit_code(outcome.results.verdict);
}

}  // namespace

void add_run(CLI::App& app, Session& session) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* command = app.add_subcommand("run",
                                         "Run the whole pipeline: label, trace, search for "
                                         "masks, select one, and evaluate it on held-out data.");
  add_examples(
      *command,
      "  mascing run scenarios/demo/defend.toml -m models/demo/kingdom-planted-f16.gguf -o out/");
  arguments->add_to(*command);
  command->get_option("--model")->required(false);  // for all but --dry-run
  command->add_flag("--baselines",
                    arguments->with_baselines,
                    "Also evaluate baselines: the paper's recipe, forced experts, control vector, "
                    "system prompt, random masks");
  command->add_flag("--dry-run",
                    arguments->is_dry,
                    "Only read and check the data: conversations per split, and what the test "
                    "split can show. With -m also what the run will take on this machine: tokens "
                    "and time by stage, memory, disk");
  command->add_flag(
      "--anyway", arguments->is_forced, "Run though memory or disk will not do by the forecast");
  command->add_flag("--yes",
                    arguments->is_agreed,
                    "Do not ask before the one look at the test split; without a terminal nobody "
                    "is asked");
  arguments->verdict.add_to(*command);
  command->add_flag("--json", arguments->json, "Print results.json instead of the table");
  command->callback([arguments, &session] { execute(*arguments, session); });
}

}  // namespace mascing::cli
