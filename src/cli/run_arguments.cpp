// What the command line says replaces what the scenario file says.
#include "cli/run_arguments.h"

#include "mascing/budget.h"
#include "mascing/error.h"

namespace mascing::cli {

void RunArguments::add_to(CLI::App& command) {
  command.add_option("scenario", scenario, "Scenario file (TOML)")->required();
  command.add_option("-o,--output", output, "Output folder; an interrupted run resumes there")
      ->capture_default_str();
  command.add_option(
      "--method",
      method,
      "Override the [search] methods of the scenario: closed_loop, router_adapter, effect_map, "
      "mean_difference, surrogate, interventional_surrogate, or paper (the paper's "
      "recipe and sweep)");
  command.add_option("--budget",
                     budget,
                     "Search budget, a time (90s, 10m, 1.5h) or a number of tokens "
                     "(\"200k tokens\"); the run then continues with the results so far");
  command.add_flag("-q,--quiet", is_quiet, "No progress; results, warnings and errors only");
  samples.add_to(command);
  judges.add_to(command);
  add_seed(command, seed);
  model.add_to(command);
  model.add_judge_to(command);
}

Scenario RunArguments::read() {
  Scenario read = read_scenario(scenario);
  samples.apply(read);
  judges.apply(read.judge);
  model.adopt(read.chat_template);
  if (method.empty()) {
    return read;
  }
  if (method == "paper") {
    use_paper_recipe(read);
    return read;
  }
  const auto chosen = parse_mask_method(method);
  if (!chosen) {
    throw Error(ErrorKind::kUsage,
                "[run] --method is \"" + method + "\", expected paper, " + kMaskMethodWords,
                "omit it to use the methods of the scenario");
  }
  read.search.methods = {*chosen};
  return read;
}

RunOptions RunArguments::options(const std::string& command) const {
  RunOptions options = model.run_options(output, seed, command);
  options.method = method;
  options.budget_text = budget;
  if (!budget.empty()) {
    options.budget = parse_budget(budget);
  }
  return options;
}

ForecastOptions RunArguments::forecast_options(double measure_s) const {
  ForecastOptions options;
  options.model = model.host.path;
  options.output = output;
  options.seed = seed;
  options.n_thread = model.n_thread();
  options.n_parallel = model.host.n_parallel;
  options.n_batch = model.host.n_batch;
  options.n_context = model.host.n_context;
  options.measure_s = measure_s;
  return options;
}

}  // namespace mascing::cli
