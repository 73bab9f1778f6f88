// `mascing import`: converts public datasets to JSONL conversations.
#include <iostream>
#include <optional>
#include <utility>

#include <nlohmann/json.hpp>
#include <unistd.h>

#include "base/files.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/data_table.h"
#include "cli/import_words.h"
#include "cli/options.h"
#include "cli/progress_line.h"
#include "mascing/conversation_file.h"
#include "mascing/error.h"
#include "mascing/import.h"

namespace mascing::cli {
namespace {

constexpr uint64_t kRunSeed = 0;  // a run's default

struct ImportArguments {
  std::vector<std::string> files;
  std::string output = "conversations.jsonl";
  bool json = false;
  std::vector<std::string> columns;  // OURS=THEIRS
  ImportOptions options;
};

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
          {"counts", file.counts_elements ? "elements" : "lines"},
          {"rows", file.n_row},
          {"conversations", file.n_conversation},
          {"exact_duplicates", file.n_exact_duplicate},
          {"near_duplicates", file.n_near_duplicate},
          {"duplicate_lines", file.duplicate_lines},
          {"other_category", file.n_other_category},
          {"renamed", file.n_renamed},
          {"unread_labels", file.n_unread_label},
          {"unused_columns", file.unused_columns},
          {"skipped", std::move(skips)}};
}

/// What a run would make of these conversations as its target set.
void say_splits(const SplitCounts& counts) {
  std::cerr << "  splits: " << split_words(counts) << '\n';
  const auto test = counts.n.find("test");
  const int64_t n_test = test == counts.n.end() ? 0 : test->second;
  std::cerr << "  as a target set: " << power_words(power_of_split(n_test)) << '\n';
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

/// Where the conversations go: a file that appears when all are written, or standard output.
class Output {
 public:
  explicit Output(const std::string& path) {
    if (path != kStandardOutput) {
      file_.emplace(path);
    }
  }
  void write(const std::string& line) {
    if (file_) {
      file_->write(line);
    } else {
      std::cout << line;
    }
  }
  void finish() {
    if (file_) {
      file_->commit();
    }
  }

 private:
  std::optional<AtomicFile> file_;
};

void execute(const ImportArguments& arguments, Session& session) {
  const bool is_shown = arguments.output == kStandardOutput;
  if (is_shown && arguments.json) {
    throw Error(ErrorKind::kUsage,
                "[import] --json and -o - both write to standard output",
                "name a file with -o, or omit --json");
  }
  refuse_to_overwrite(arguments.output, arguments.files);
  ImportOptions options = arguments.options;
  for (const std::string& word : arguments.columns) {
    options.columns.push_back(parse_column(word, "import"));
  }
  Output output(arguments.output);
  ProgressLine line;
  const Progress may_stop = [](const ProgressEvent&) { return !stop_was_requested(); };
  SplitCounts counts;
  const ImportReport report = import_conversations(
      arguments.files,
      options,
      [&](const Conversation& conversation) {
        const std::string& own = conversation.split;
        counts.add(own.empty() ? split_name(conversation, kRunSeed) : own, conversation);
        output.write(to_jsonl(conversation) + '\n');
      },
      isatty(STDERR_FILENO) == 1 ? line.callback() : may_stop);
  line.finish_line();
  output.finish();
  for (const ImportedFile& file : report.files) {
    say_imported(file);
  }
  std::cerr << counted(report.n_conversation, "conversation");
  if (report.n_script > 0) {
    std::cerr << ", " << report.n_script << " of them multi-turn scripts";
  }
  std::cerr << '\n';
  say_splits(counts);
  if (arguments.json) {
    print_json(report, counts, arguments.output);
  }
  if (!is_shown) {
    say_written(arguments.output,
                report.n_script > 0 ? "list it as data of a scenario (docs/scenario.md); scripts "
                                      "need a [[set]] of their own with play = true, so that the "
                                      "model writes the replies"
                                    : "list it as data of a scenario (docs/scenario.md)");
  }
  session.exit_code = 0;
}

std::string description() {
  std::string text =
      "Convert public datasets to JSONL conversations. Formats, detected from header and content "
      "or "
      "set with --format:\n";
  for (const ImportFormatName& format : import_format_names()) {
    text += "  " + format.name + std::string(18 - std::min<size_t>(16, format.name.size()), ' ') +
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
  command
      ->add_option("-o,--output",
                   arguments->output,
                   "File to write, replaced if it is there; - for standard output")
      ->capture_default_str();
  command->add_option("--format", o.format, "Format of all files; default: detect");
  command->add_option("--category", o.category, "Import only this category, such as safe (XSTest)");
  command
      ->add_option("--column",
                   arguments->columns,
                   "Read a column of another name, OURS=THEIRS, such as prompt=question or "
                   "reply=answer; may be repeated")
      ->allow_extra_args(false);
  command->add_flag("--keep-duplicates", o.with_duplicates, "Keep exact and near duplicates");
  command->add_flag("--json", arguments->json, "Print the summary as JSON");
  command->callback([arguments, &session] { execute(*arguments, session); });
}

}  // namespace mascing::cli
