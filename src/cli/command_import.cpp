// `mascing import`: converts public datasets to JSONL conversations.
#include <iostream>

#include <nlohmann/json.hpp>

#include "base/files.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/data_table.h"
#include "cli/options.h"
#include "cli/progress_line.h"
#include "mascing/conversation_file.h"
#include "mascing/import.h"

namespace mascing::cli {
namespace {

constexpr int64_t kShownLines = 5;
constexpr uint64_t kRunSeed = 0;  // a run's default

struct ImportArguments {
  std::vector<std::string> files;
  std::string output = "conversations.jsonl";
  bool json = false;
  ImportOptions options;
};

std::string lines_of(const std::vector<int64_t>& lines, int64_t n) {
  std::string text;
  for (int64_t i = 0; i < std::min(std::ssize(lines), kShownLines); ++i) {
    text += (i == 0 ? "" : ", ") + std::to_string(lines[i]);
  }
  return (n == 1 ? "line " : "lines ") + text + (n > kShownLines ? ", ..." : "");
}

void say(const ImportedFile& file) {
  std::cerr << file_name(file.path) << ": " << file.format << ", " << file.n_row << " rows in "
            << file.n_line << " lines: " << file.n_conversation << " conversations\n";
  for (const ImportSkip& skip : file.skips) {
    std::cerr << "  skipped " << skip.n << " (" << skip.reason << "), "
              << lines_of(skip.lines, skip.n) << ": " << printable(skip.example, 120) << '\n';
  }
  const int64_t n_duplicate = file.n_exact_duplicate + file.n_near_duplicate;
  if (n_duplicate > 0) {
    std::cerr << "  dropped " << n_duplicate << " duplicates (" << file.n_near_duplicate
              << " near duplicates), " << lines_of(file.duplicate_lines, n_duplicate) << '\n';
  }
  if (file.n_other_category > 0) {
    std::cerr << "  dropped " << file.n_other_category << " of other categories\n";
  }
  if (file.n_renamed > 0) {
    std::cerr << "  renamed " << file.n_renamed << " conversations whose id was already in use\n";
  }
}

nlohmann::json to_value(const ImportedFile& file) {
  nlohmann::json skips = nlohmann::json::array();
  for (const ImportSkip& skip : file.skips) {
    skips.push_back({{"reason", skip.reason},
                     {"n", skip.n},
                     {"lines", skip.lines},
                     {"example", printable(skip.example, 200)}});
  }
  return {{"file", file.path},
          {"format", file.format},
          {"lines", file.n_line},
          {"rows", file.n_row},
          {"conversations", file.n_conversation},
          {"exact_duplicates", file.n_exact_duplicate},
          {"near_duplicates", file.n_near_duplicate},
          {"duplicate_lines", file.duplicate_lines},
          {"other_category", file.n_other_category},
          {"renamed", file.n_renamed},
          {"skipped", std::move(skips)}};
}

/// What a run would make of these conversations as its target set.
void say_splits(const SplitCounts& counts) {
  std::cerr << "  splits: " << split_words(counts) << '\n';
  const auto test = counts.n.find("test");
  if (test != counts.n.end()) {
    std::cerr << "  as a target set: " << power_words(power_of_split(test->second)) << '\n';
  }
}

void print_json(const ImportReport& report, const SplitCounts& counts, const std::string& output) {
  nlohmann::json files = nlohmann::json::array();
  for (const ImportedFile& file : report.files) {
    files.push_back(to_value(file));
  }
  const nlohmann::json value = {{"output", output},
                                {"conversations", report.n_conversation},
                                {"scripts", report.n_script},
                                {"splits", counts.n},
                                {"labels", counts.n_label},
                                {"files", std::move(files)}};
  std::cout << value.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) << '\n';
}

void execute(const ImportArguments& arguments, Session& session) {
  AtomicFile output(arguments.output);
  ProgressLine line;
  SplitCounts counts;
  const ImportReport report = import_conversations(
      arguments.files,
      arguments.options,
      [&](const Conversation& conversation) {
        const std::string& own = conversation.split;
        counts.add(own.empty() ? split_name(conversation, kRunSeed) : own, conversation);
        output.write(to_jsonl(conversation) + '\n');
      },
      line.callback());
  output.commit();
  for (const ImportedFile& file : report.files) {
    say(file);
  }
  std::cerr << report.n_conversation << " conversations";
  if (report.n_script > 0) {
    std::cerr << ", " << report.n_script << " of them multi-turn scripts";
  }
  std::cerr << '\n';
  say_splits(counts);
  if (arguments.json) {
    print_json(report, counts, arguments.output);
  }
  say_written(arguments.output,
              "list it as data in a scenario (docs/scenario.md), then mascing run scenario.toml");
  session.exit_code = 0;
}

std::string description() {
  std::string text =
      "Convert public datasets to JSONL conversations. Formats, detected from header and content "
      "or "
      "set with --format:\n";
  for (const ImportFormatName& format : import_format_names()) {
    text += "  " + format.name + std::string(18 - std::min<size_t>(17, format.name.size()), ' ') +
            format.description + "\n";
  }
  return text +
         "CSV may use commas, semicolons or tabs. Rows of any format may also be "
         "JSON lines or a JSON array.";
}

}  // namespace

void add_import(CLI::App& app, Session& session) {
  auto arguments = std::make_shared<ImportArguments>();
  CLI::App* command = app.add_subcommand("import", description());
  add_examples(*command, "  mascing import mhj.csv advbench.csv -o conversations.jsonl");
  ImportOptions& o = arguments->options;
  command->add_option("files", arguments->files, "Input files, read in order")->required();
  command->add_option("-o,--output", arguments->output, "File to write")->capture_default_str();
  command->add_option("--format", o.format, "Format of all files; default: detect");
  command->add_option("--category", o.category, "Import only this category, such as safe (XSTest)");
  command->add_flag("--keep-duplicates", o.with_duplicates, "Keep exact and near duplicates");
  command->add_flag("--json", arguments->json, "Print the summary as JSON");
  command->callback([arguments, &session] { execute(*arguments, session); });
}

}  // namespace mascing::cli
