// `mascing report`: the page of one run, or several runs side by side.
#include <filesystem>
#include <iostream>

#include "base/files.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "mascing/error.h"
#include "mascing/report.h"
#include "mascing/results.h"
#include "mascing/run_comparison.h"
#include "mascing/viewer_export.h"

namespace mascing::cli {
namespace {

struct ReportArguments {
  std::vector<std::string> inputs;
  std::string output;
  std::string form = "html";
};

/// results.json of a folder, or the file itself.
std::string results_path(const std::string& input) {
  return std::filesystem::is_directory(input)
             ? (std::filesystem::path(input) / "results.json").string()
             : input;
}

ComparedRun read_run(const std::string& input) {
  const std::string path = results_path(input);
  return {input, results_from_json(read_text_file(path), path), transcripts_beside(path)};
}

ComparisonForm comparison_form(const std::string& word) {
  return word == "md"    ? ComparisonForm::kMarkdown
         : word == "tex" ? ComparisonForm::kLatex
         : word == "csv" ? ComparisonForm::kCsv
                         : ComparisonForm::kHtml;
}

bool is_for_viewers(const std::string& form) {
  return form == "inspect" || form == "lm-eval";
}

/// One run for the viewers of another tool.
std::string viewer_text(const std::vector<ComparedRun>& runs, const std::string& form) {
  if (runs.size() != 1) {
    throw Error(ErrorKind::kUsage,
                "[report] --to " + form + " takes one run, not " + std::to_string(runs.size()),
                "run the command once for each run, with -o");
  }
  const ComparedRun& run = runs.front();
  return form == "inspect" ? to_inspect_log(run.results, run.transcripts)
                           : to_lm_eval_results(run.results);
}

std::string text_in_form(const std::vector<ComparedRun>& runs, const std::string& form) {
  if (is_for_viewers(form)) {
    return viewer_text(runs, form);
  }
  return runs.size() == 1 && form == "html"
             ? render_report(runs.front().results, runs.front().transcripts)
             : render_comparison(runs, comparison_form(form));
}

void execute_report(const ReportArguments& arguments) {
  std::vector<ComparedRun> runs;
  std::vector<std::string> inputs;
  runs.reserve(arguments.inputs.size());
  for (const std::string& input : arguments.inputs) {
    const std::filesystem::path results = results_path(input);
    inputs.push_back(results.string());
    inputs.push_back((results.parent_path() / "transcripts.jsonl").string());
  }
  refuse_to_overwrite(arguments.output, inputs);
  for (const std::string& input : arguments.inputs) {
    runs.push_back(read_run(input));
  }
  const bool is_page = arguments.form == "html";
  const std::string text = text_in_form(runs, arguments.form);
  if (arguments.output == kStandardOutput || (!is_page && arguments.output.empty())) {
    std::cout << text << std::flush;
    return;
  }
  const std::string output = arguments.output.empty() ? "report.html" : arguments.output;
  write_file_atomically(output, text);
  say_written(output, "");
}

}  // namespace

void add_report(CLI::App& app, Session& session) {
  auto arguments = std::make_shared<ReportArguments>();
  CLI::App* command = app.add_subcommand(
      "report",
      "Render the page of a run from its results, or several runs side by side, with paired "
      "differences between their masks.");
  add_examples(*command,
               "  mascing report out/results.json -o report.html\n"
               "  mascing report out/a out/b out/c -o runs.html\n"
               "  mascing report out/a out/b --to tex > table.tex\n"
               "  mascing report out/results.json --to inspect -o log.json");
  command->add_option("results", arguments->inputs, "results.json, or folders that hold one")
      ->required();
  command->add_option("-o,--output",
                      arguments->output,
                      "File to write, - for standard output; default report.html, for tables -");
  command
      ->add_option(
          "--to",
          arguments->form,
          "html (a page), md or tex (tables), csv (one row per run and metric); one run for "
          "other viewers: inspect (a log of Inspect), lm-eval (results of "
          "lm-evaluation-harness)")
      ->check(CLI::IsMember({"html", "md", "tex", "csv", "inspect", "lm-eval"}))
      ->capture_default_str();
  command->callback([arguments, &session] {
    execute_report(*arguments);
    session.exit_code = 0;
  });
}

}  // namespace mascing::cli
