// `mascing run`: the whole pipeline.
#include <iostream>

#include "cli/commands.h"
#include "cli/judge_options.h"
#include "cli/options.h"
#include "cli/progress_line.h"
#include "format/model_file.h"
#include "mascing/error.h"
#include "mascing/scenario.h"
#include "pipeline/run.h"
#include "report/table.h"

namespace mascing::cli {
namespace {

struct RunArguments {
  std::string scenario;
  std::string output = "out";
  uint64_t seed = 0;
  std::string method;
  bool with_baselines = false;
  bool json = false;
  JudgeArguments judges;
  ModelOptions model;
};

void print_outcome(const RunOutcome& outcome, const RunArguments& arguments) {
  if (arguments.json) {
    std::cout << to_json(outcome.results);
  } else {
    std::cout << render_table(outcome.results, wants_colour());
  }
  std::cout << std::flush;
  if (outcome.was_finished) {
    std::cerr << "nothing has changed since the last run: these are its results\n";
  }
  const std::string prefix = arguments.output + "/";
  std::cerr << "wrote " << (outcome.failure.empty() ? prefix + "mask.gguf, " : "") << prefix
            << "results.json, " << prefix << "report.html\n";
  if (outcome.failure.empty()) {
    std::cerr << "next: open " << prefix << "report.html, or look at the mask: mascing mask show "
              << prefix << "mask.gguf\n";
  }
}

/// What --method says instead of the scenario.
void choose_method(const std::string& word, Scenario& scenario) {
  if (word.empty()) {
    return;
  }
  if (word == "paper") {
    use_paper_recipe(scenario);
    return;
  }
  const auto method = parse_mask_method(word);
  if (!method) {
    throw Error(ErrorKind::kUsage,
                "[run] --method is \"" + word + "\", expected paper, " + kMaskMethodWords,
                "leave it out to do as the scenario says");
  }
  scenario.search.methods = {*method};
}

void execute(const RunArguments& arguments, Session& session) {
  Scenario scenario = read_scenario(arguments.scenario);
  choose_method(arguments.method, scenario);
  arguments.judges.apply(scenario.judge);
  const ModelInfo info = read_model_info(arguments.model.host.path);
  RunOptions options = arguments.model.run_options(
      arguments.output,
      arguments.seed,
      "mascing run " + arguments.scenario + " -m " + arguments.model.host.path);
  options.method = arguments.method;
  options.with_baselines = arguments.with_baselines;
  ProgressLine line;
  const RunOutcome outcome = run_scenario(
      scenario, info, [&] { return arguments.model.open(); }, options, line.callback());
  print_outcome(outcome, arguments);
  if (!outcome.failure.empty()) {
    throw Error(ErrorKind::kInsufficient,
                "[run] " + outcome.failure,
                "results.json and report.html say what was tried; no mask was written");
  }
  session.exit_code = 0;
}

}  // namespace

void add_run(CLI::App& app, Session& session) {
  auto arguments = std::make_shared<RunArguments>();
  CLI::App* command = app.add_subcommand("run",
                                         "From labelled conversations to a mask and an honest "
                                         "result: label, trace, train, steer, select, test.");
  add_examples(
      *command,
      "  mascing run scenarios/demo/defend.toml -m models/demo/kingdom-planted-f16.gguf -o out/");
  command->add_option("scenario", arguments->scenario, "Scenario file (TOML)")->required();
  command
      ->add_option("-o,--output",
                   arguments->output,
                   "Folder for all results; an interrupted run goes on there")
      ->capture_default_str();
  command->add_option("--method",
                      arguments->method,
                      "Instead of the scenario's [search] methods: closed_loop, effect_map, "
                      "mean_difference, surrogate, or paper (the paper's recipe and sweep)");
  add_seed(*command, arguments->seed);
  command->add_flag("--baselines",
                    arguments->with_baselines,
                    "Also measure what the mask has to beat: the paper's recipe, forced experts, "
                    "control vector, system prompt, random masks");
  command->add_flag("--json", arguments->json, "Print results.json instead of the table");
  arguments->judges.add_to(*command);
  arguments->model.add_to(*command);
  command->callback([arguments, &session] { execute(*arguments, session); });
}

}  // namespace mascing::cli
