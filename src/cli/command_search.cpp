// `mascing search`: the pipeline up to selection, which is left to the user.
#include <iostream>

#include <unistd.h>

#include "base/files.h"
#include "cli/commands.h"
#include "cli/live_table.h"
#include "cli/mask_options.h"
#include "cli/progress_line.h"
#include "cli/run_arguments.h"
#include "cli/search_menu.h"
#include "format/model_file.h"
#include "mascing/error.h"
#include "mascing/forecast.h"
#include "report/columns.h"
#include "report/trade_off.h"

namespace mascing::cli {
namespace {

struct SearchArguments : RunArguments {
  bool with_menu = false;
  bool is_agreed = false;  ///< to the one look at the test split
  bool has_no_history = false;
};

void print_set(const SearchArguments& arguments, const Results& results) {
  if (arguments.json) {
    std::cout << read_text_file(arguments.output + "/search.json");
  } else {
    std::cout << pareto_table(results);
    for (const std::string& words : {trade_words(results), search_cost_words(results)}) {
      std::cout << (words.empty() ? "" : mascing::wrapped("", words, 0));
    }
  }
  std::cout << std::flush;
  for (const Warning& warning : results.warnings) {
    say_warning(warning.id, warning.text, warning.advice);
  }
}

void browse(const SearchArguments& arguments, const SearchView& view) {
  SearchMenu menu(view, arguments, !arguments.has_no_history);
  const size_t n_member = menu.write_set();
  print_set(arguments, view.results);
  const std::string prefix = arguments.output + "/";
  if (n_member == 0) {
    throw Error(ErrorKind::kInsufficient,
                "[search] no mask improves the target within the limits",
                "see the candidates in " + prefix +
                    "search.html; add data or relax the "
                    "limits");
  }
  say_written(prefix + "pareto/*.gguf, " + prefix + "search.json, " + prefix + "search.html",
              command_line({"mascing",
                            "chat",
                            "-m",
                            arguments.model.host.path,
                            "--mask",
                            prefix + "pareto/1.gguf"}));
  const bool is_terminal = isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1;
  if (arguments.with_menu || (is_terminal && !arguments.json)) {
    menu.run(std::cin, std::cout, isatty(STDIN_FILENO) == 1, arguments.is_agreed);
  }
}

/// Opens the model, which takes turns with the judges where both do not fit, and measures it for
/// the header of the progress.
std::unique_ptr<Host> open_with_forecast(const SearchArguments& arguments,
                                         const Scenario& scenario,
                                         ProgressLine& line) {
  ForecastOptions options = arguments.forecast_options(kForecastGlance);
  SpaceForecast space = forecast_space(scenario, options);
  arguments.model.place_judges(space);
  std::unique_ptr<Host> host = arguments.model.open();
  if (!arguments.is_quiet) {
    options.model.clear();  // its file has been read
    line.expect(forecast_run(scenario, *host, options));
  }
  return host;
}

void execute_search(SearchArguments& arguments, Session& session) {
  const Scenario scenario = arguments.read();
  const ModelInfo info = read_model_info(arguments.model.host.path);
  RunOptions options = arguments.options(session.command_line);
  ProgressLine line(arguments.is_quiet, {scenario, RunSteps::End::kSelection});
  LiveTable table(scenario.target().metric);
  options.watch_trials = [&](const std::vector<CandidateResult>& trials) {
    if (!arguments.is_quiet) {
      line.finish_line();
      table.update(trials);
    }
  };
  search_scenario(
      scenario,
      info,
      [&] { return open_with_forecast(arguments, scenario, line); },
      options,
      [&](const SearchView& view) {
        line.finish_line();
        browse(arguments, view);
      },
      line.callback());
  session.exit_code = 0;
}

}  // namespace

void add_search(CLI::App& app, Session& session) {
  auto arguments = std::make_shared<SearchArguments>();
  CLI::App* command = app.add_subcommand(
      "search",
      "Search for masks like `run`, but choose one yourself. Shows every trial, and ends in a menu "
      "of the Pareto set, the masks with the best trade-off between target rate and damage on the "
      "selection split. Without a terminal it prints the set. Menu commands:\n" +
          std::string(kMenuHelp));
  add_examples(*command,
               "  mascing search scenario.toml -m model.gguf -o out/ --budget 10m\n"
               "  mascing search scenario.toml -m model.gguf -o out/ --json");
  arguments->add_to(*command);
  command->add_flag("--json", arguments->json, "Print search.json instead of the set");
  command->add_flag("--menu",
                    arguments->with_menu,
                    "Read menu commands from standard input even if it is not a terminal");
  command->add_flag("--yes",
                    arguments->is_agreed,
                    "Do not ask before the menu's test; without a terminal nobody is asked");
  add_history_switch(*command, arguments->has_no_history);
  command->callback([arguments, &session] { execute_search(*arguments, session); });
}

}  // namespace mascing::cli
