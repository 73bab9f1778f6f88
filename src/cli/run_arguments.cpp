// What the command line says replaces what the scenario file says.
#include "cli/run_arguments.h"

#include "base/append.h"
#include "mascing/budget.h"
#include "mascing/error.h"

namespace mascing::cli {

namespace {

/// Files that no output may replace. Words of a judge's command may be files.
std::vector<std::string> files_of_run(const Scenario& scenario, const std::string& model) {
  std::vector<std::string> files = {
      scenario.path, model, scenario.general.text, scenario.general.multiple_choice};
  for (const ScenarioSet& set : scenario.sets) {
    append(set.data, files);
  }
  for (const JudgeSpec& spec : scenario.judge.also) {
    files.insert(files.end(), {spec.model, spec.answer_key, spec.known});
    append(spec.command, files);
  }
  return files;
}

void apply_method(const std::string& method, Scenario& scenario) {
  if (method == "paper") {
    use_paper_recipe(scenario);
  } else if (!method.empty()) {
    const auto chosen = parse_mask_method(method);
    if (!chosen) {
      throw Error(ErrorKind::kUsage,
                  "[run] --method is \"" + method + "\", expected paper, " + kMaskMethodWords,
                  "omit it to use the methods of the scenario");
    }
    scenario.search.methods = {*chosen};
  }
}

}  // namespace

void RunArguments::add_to(CLI::App& to) {
  command = &to;
  to.add_option("scenario", scenario, "Scenario file (TOML)")->required();
  to.add_option(
        "-o,--output",
        output,
        "Output folder; an interrupted run resumes there, and results of one with other inputs "
        "move to earlier-1 and so on")
      ->capture_default_str();
  to.add_option(
      "--method",
      method,
      "Override the [search] methods of the scenario: closed_loop, router_adapter, effect_map, "
      "mean_difference, surrogate, interventional_surrogate, or paper (the paper's "
      "recipe and sweep)");
  to.add_option("--budget",
                budget,
                "Search budget, a time (90s, 10m, 1.5h) or a number of tokens "
                "(\"200k tokens\"); the run then continues with the results so far");
  to.add_flag("-q,--quiet", is_quiet, "No progress; results, warnings and errors only");
  samples.add_to(to);
  judges.add_to(to);
  add_seed(to, seed);
  model.add_to(to);
  model.add_judge_to(to);
}

Scenario RunArguments::read() {
  Scenario read = read_scenario(scenario);
  apply_method(method, read);
  samples.apply(read);
  judges.apply(read);
  model.adopt(read.chat_template);
  inputs = files_of_run(read, model.host.path);
  return read;
}

RunOptions RunArguments::options(const std::string& line) const {
  RunOptions options = model.run_options(output, seed, line);
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
