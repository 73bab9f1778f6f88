// `mascing run`: the whole pipeline.
#include <iostream>

#include "cli/commands.h"
#include "cli/data_table.h"
#include "cli/progress_line.h"
#include "cli/run_arguments.h"
#include "format/model_file.h"
#include "mascing/error.h"
#include "mascing/report.h"
#include "mascing/run.h"

namespace mascing::cli {
namespace {

struct Arguments : RunArguments {
  bool with_baselines = false;
  bool is_dry = false;
  VerdictOptions verdict;
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
  const std::string prefix = arguments.output + "/";
  std::cerr << "wrote " << (outcome.failure.empty() ? prefix + "mask.gguf, " : "") << prefix
            << "results.json, " << prefix << "report.html\n";
  if (outcome.failure.empty()) {
    std::cerr << "next: open " << prefix << "report.html, or inspect the mask: "
              << command_line({"mascing", "mask", "show", prefix + "mask.gguf"}) << '\n';
  }
}

void execute(Arguments& arguments, Session& session) {
  if (!arguments.is_dry && arguments.model.host.path.empty()) {
    throw CLI::RequiredError("--model");
  }
  const Scenario scenario = arguments.read();
  if (arguments.is_dry) {
    print_data(summarise_data(scenario, arguments.seed), arguments.json);
    session.exit_code = 0;
    return;
  }
  const ModelInfo info = read_model_info(arguments.model.host.path);
  RunOptions options = arguments.options(session.command_line);
  options.with_baselines = arguments.with_baselines;
  ProgressLine line(arguments.is_quiet, RunSteps(scenario, true));
  const RunOutcome outcome = run_scenario(
      scenario, info, [&] { return arguments.model.open(); }, options, line.callback());
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
                                         "Run the whole pipeline: label, trace, train, steer, "
                                         "select, and evaluate a mask on held-out data.");
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
                    "split can show; the model is not loaded");
  arguments->verdict.add_to(*command);
  command->add_flag("--json", arguments->json, "Print results.json instead of the table");
  command->callback([arguments, &session] { execute(*arguments, session); });
}

}  // namespace mascing::cli
