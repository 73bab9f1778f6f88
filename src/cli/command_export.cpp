// `mascing export`: converts a mask to the formats of other inference engines.
#include <algorithm>
#include <filesystem>
#include <iostream>
#include <iterator>
#include <string>
#include <utility>

#include "base/append.h"
#include "base/files.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/export_options.h"
#include "cli/export_tables.h"
#include "cli/mask_options.h"
#include "cli/options.h"
#include "cli/progress_line.h"
#include "cli/server_check.h"
#include "cli/server_program.h"
#include "format/model_parts.h"
#include "mascing/conversation_file.h"
#include "mascing/error.h"
#include "mascing/export.h"
#include "mascing/report.h"
#include "mascing/results.h"

namespace mascing::cli {
namespace {

struct ExportArguments {
  std::vector<std::string> masks;
  std::string target;
  std::string output;
  std::string folder;
  std::string check;
  std::string results;
  bool any_model = false;
  ServerCheckOptions server;
  FitArguments source;

  [[nodiscard]] ExportOptions options() const {
    ExportOptions options = source.options();
    options.any_model = any_model;
    if (!check.empty()) {
      options.check = read_conversations(check);
    }
    return options;
  }
};

Results read_results(const std::string& path) {
  return results_from_json(read_text_file(path), path);
}

/// The entry goes into results.json, and report.html beside it is drawn again.
void keep_results(const std::string& path, const ExportResult& entry) {
  Results results = read_results(path);
  put_export(results, entry);
  const std::string page = (std::filesystem::path(path).parent_path() / "report.html").string();
  const std::string text = to_json(results);
  write_file_atomically(page,
                        render_report(results_from_json(text, path), transcripts_beside(path)));
  write_file_atomically(path, text);
  say_written(path + ", of which " + page, "");
}

void finish(const ExportArguments& arguments,
            const ExportReport& report,
            const std::string& file,
            const std::string& next) {
  say_warnings(report.warnings);
  if (report.check && !arguments.results.empty()) {
    keep_results(arguments.results, *report.check);
  }
  say_written(file, next);
}

void run_lora(const ExportArguments& arguments, const Mask& mask) {
  ProgressLine line;
  const ExportReport report =
      export_lora(mask, arguments.output, arguments.options(), line.callback());
  line.finish_line();
  print_fit(report.fit);
  if (report.check) {
    print_check(*report.check);
  }
  std::vector<std::string> words = {"llama-server",
                                    "-m",
                                    arguments.source.model_name(),
                                    "--lora-scaled",
                                    arguments.output + ":" + format_strength(mask.alpha),
                                    "--no-cache-prompt",
                                    "--cache-ram",
                                    "0"};
  append(template_words(arguments.source.model.chat_template()), words);
  const bool has_name_to_load = arguments.output.find_first_of(":,") == std::string::npos;
  if (!has_name_to_load) {
    std::cerr << "note: llama.cpp takes ':' and ',' in a name for a strength and the next adapter; "
                 "rename the file before --lora-scaled\n";
  }
  finish(arguments,
         report,
         arguments.output,
         arguments.source.has_model() && has_name_to_load ? command_line(words) : "");
}

void run_gguf(const ExportArguments& arguments, const Mask& mask) {
  if (!arguments.source.has_model()) {
    throw Error(ErrorKind::kUsage, "[export] --to gguf needs the model", "add -m model.gguf");
  }
  ProgressLine line;
  const ExportReport report =
      export_gguf(mask, arguments.output, arguments.options(), line.callback());
  line.finish_line();
  if (report.check) {
    print_check(*report.check);
  }
  print_fit(report.fit);
  print_losses(report.losses);
  const std::string& file = report.files.front();
  finish(arguments, report, file, command_line({"mascing", "mask", "verify", file}));
}

void require_folder(const ExportArguments& arguments, const std::string& what) {
  if (arguments.folder.empty()) {
    throw Error(ErrorKind::kUsage,
                "[export] --to " + what,
                "add the folder of the original Hugging Face model: --model-dir hf/");
  }
}

void run_hf(const ExportArguments& arguments, const Mask& mask) {
  require_folder(arguments, "hf needs --model-dir");
  ProgressLine line;
  const ExportReport report =
      export_hf(mask, arguments.folder, arguments.output, arguments.options(), line.callback());
  line.finish_line();
  print_fit(report.fit);
  print_losses(report.losses);
  std::cout << report.files.size() << " files rewritten, " << report.linked.size()
            << " linked unchanged\n";
  for (const std::string& name : report.skipped) {
    std::cout << "  omitted " << name
              << " (weights that would not be steered, or no plain folder)\n";
  }
  finish(arguments, report, arguments.output, command_line({"vllm", "serve", arguments.output}));
}

/// What vLLM takes for --max-lora-rank; the first is what it takes by itself.
constexpr int64_t kVllmRanks[] = {16, 32, 64, 128, 256, 320, 512};

/// The least of them that holds the adapter, or its own rank beyond them all.
int64_t vllm_rank(const std::vector<LayerFit>& fit) {
  int64_t needed = 0;
  for (const LayerFit& layer : fit) {
    needed = std::max(needed, layer.rank);
  }
  const auto* const found = std::lower_bound(std::begin(kVllmRanks), std::end(kVllmRanks), needed);
  return found == std::end(kVllmRanks) ? needed : *found;
}

void run_peft(const ExportArguments& arguments, const Mask& mask) {
  require_folder(arguments, "peft needs --model-dir, for the names of the routers");
  ProgressLine line;
  const ExportReport report =
      export_peft(mask, arguments.folder, arguments.output, arguments.options(), line.callback());
  line.finish_line();
  print_fit(report.fit);
  std::vector<std::string> words = {"vllm", "serve", arguments.folder, "--enable-lora"};
  const int64_t rank = vllm_rank(report.fit);
  if (rank > kVllmRanks[0]) {
    words.insert(words.end(), {"--max-lora-rank", std::to_string(rank)});
  }
  words.insert(words.end(), {"--lora-modules", "mask=" + arguments.output});
  finish(arguments, report, arguments.output, command_line(words));
}

void run_easysteer(const ExportArguments& arguments, const Mask& mask) {
  const ExportReport report = export_easysteer(mask, arguments.output);
  print_two_levels(report.two_levels, mask);
  finish(arguments, report, arguments.output, "");
}

void refuse_unused(const CLI::App& command, const std::string& target) {
  const auto refuse = [&](const std::vector<std::string>& names, const std::string& with) {
    refuse_options(command, names, with);
  };
  if (command.count("--verify-server") > 0) {
    refuse({"--output",
            "--adapter",
            "--rank",
            "--fit-tokens",
            "--check",
            "--results",
            "--model-dir",
            "--any-model"},
           "--verify-server");
    return;
  }
  refuse({"--verify-limit"}, "an export");
  if (target == "easysteer") {
    refuse({"--model",
            "--adapter",
            "--data",
            "--rank",
            "--fit-tokens",
            "--seed",
            "--check",
            "--results"},
           "--to easysteer");
  }
  if (!target.empty() && target != "hf" && target != "peft") {
    refuse({"--model-dir", "--any-model"}, "--to " + target);
  }
  if (command.count("--adapter") > 0) {
    refuse({"--data", "--rank"}, "--adapter, which brings its fit along");
  }
}

/// The mask, the model and everything else that an export reads. A baked GGUF may replace links to
/// the model's parts, which its export tells from the model itself.
std::vector<std::string> inputs_of(const ExportArguments& arguments) {
  std::vector<std::string> inputs = paths_of_masks(arguments.masks);
  inputs.insert(inputs.end(), arguments.source.data.begin(), arguments.source.data.end());
  if (arguments.target != "gguf") {
    append(files_of_model(arguments.source.model.host.path), inputs);
  }
  for (const std::string* path :
       {&arguments.source.adapter, &arguments.folder, &arguments.check, &arguments.results}) {
    inputs.push_back(*path);
  }
  return inputs;
}

void run_server_check(const ExportArguments& arguments) {
  if (!arguments.source.has_model()) {
    throw Error(ErrorKind::kUsage,
                "[export] --verify-server compares with the exact mask, which needs the model",
                "add -m model.gguf");
  }
  if (arguments.source.data.empty()) {
    throw Error(ErrorKind::kUsage,
                "[export] --verify-server has no questions to ask",
                "add conversations that the mask was made for: --data conversations.jsonl");
  }
  const std::vector<WeightedMask> masks = read_masks(arguments.masks);
  const ServerCheck found =
      check_server(arguments.server, masks, compose_masks(masks), arguments.source.options());
  judge_server(arguments.server, found);
}

/// --to and --output belong together and are needed, unless a server is to be verified.
void require_target(const ExportArguments& arguments) {
  const bool is_check = !arguments.server.url.empty();
  if (is_check && !arguments.target.empty()) {
    throw Error(ErrorKind::kUsage,
                "[export] --verify-server writes nothing, --to does",
                "export first, start the server, then verify it");
  }
  if (!is_check && (arguments.target.empty() || arguments.output.empty())) {
    throw Error(ErrorKind::kUsage,
                std::string("[export] ") + (arguments.target.empty() ? "--to" : "--output") +
                    " is required",
                "e.g. --to lora -o mask.lora.gguf; see `mascing export --help`");
  }
}

void execute(const ExportArguments& arguments, Session& session) {
  require_target(arguments);
  if (!arguments.server.url.empty()) {
    run_server_check(arguments);
    session.exit_code = 0;
    return;
  }
  refuse_to_overwrite(arguments.output, inputs_of(arguments));
  const Mask mask = compose_from(arguments.masks);
  if (!arguments.results.empty()) {
    if (arguments.check.empty()) {
      throw Error(
          ErrorKind::kUsage,
          "[export] --results needs --check; otherwise there is nothing to add to the results",
          "add conversations to compare on: --check conversations.jsonl");
    }
    require_results_of(read_results(arguments.results), arguments.results, mask);
    (void)transcripts_beside(arguments.results);  // the page shows them: fail before the work
  }
  if (arguments.target == "lora") {
    run_lora(arguments, mask);
  } else if (arguments.target == "gguf") {
    run_gguf(arguments, mask);
  } else if (arguments.target == "hf") {
    run_hf(arguments, mask);
  } else if (arguments.target == "peft") {
    run_peft(arguments, mask);
  } else {
    run_easysteer(arguments, mask);
  }
  session.exit_code = 0;
}

/// A CLI11 check: what is wrong with `form`, or nothing. People name the program that they run.
std::string names_no_program(const std::string& form) {
  constexpr std::pair<const char*, const char*> kForms[] = {{"llama.cpp", "lora"},
                                                            {"llama-server", "lora"},
                                                            {"ollama", "gguf"},
                                                            {"lmstudio", "gguf"},
                                                            {"lm-studio", "gguf"},
                                                            {"vllm", "hf"},
                                                            {"sglang", "hf"},
                                                            {"tgi", "hf"},
                                                            {"transformers", "hf"},
                                                            {"safetensors", "hf"}};
  for (const auto& [program, needed] : kForms) {
    if (form == program) {
      return form + " takes --to " + needed + " (docs/deployment.md)";
    }
  }
  return "";
}

}  // namespace

void add_export(CLI::App& app, Session& session) {
  auto arguments = std::make_shared<ExportArguments>();
  CLI::App* command = app.add_subcommand(
      "export", "Convert one or more masks to the format of another inference engine.");
  add_examples(
      *command,
      "  mascing export mask.gguf -m model.gguf --data chats.jsonl --to lora -o mask.lora.gguf\n"
      "  mascing export mask.gguf -m model.gguf --adapter mask.lora.gguf --to gguf -o "
      "steered.gguf\n"
      "  mascing export mask.gguf --adapter mask.lora.gguf --model-dir hf/ --to hf -o hf-steered/\n"
      "  mascing export mask.gguf --adapter mask.lora.gguf --model-dir hf/ --to peft -o "
      "mask-peft/\n"
      "  mascing export mask.gguf -m model.gguf --data chats.jsonl --verify-server "
      "http://127.0.0.1:8080\n"
      "  mascing export defend.gguf=0.8 permit.gguf=0.5 --to easysteer -o both.json");
  command->add_option("masks", arguments->masks, "Mask files, as FILE or FILE=STRENGTH")
      ->required();
  command->add_option("--to", arguments->target, "Format: lora, gguf, hf, peft or easysteer")
      ->check(names_no_program)
      ->check(CLI::IsMember({"lora", "gguf", "hf", "peft", "easysteer"}));
  command->add_option("-o,--output", arguments->output, "File or folder to write");
  command->add_option("--model-dir",
                      arguments->folder,
                      "Folder of the original Hugging Face model (--to hf, peft)");
  command->add_option("--check",
                      arguments->check,
                      "Conversations (JSONL) for comparing the exported file with the exact mask; "
                      "the result is stored in the file");
  command->add_option("--results",
                      arguments->results,
                      "results.json of the run that made the mask; the --check result is added to "
                      "it and to its report.html");
  command->add_flag(
      "--any-model", arguments->any_model, "Skip the check that the folder holds the mask's model");
  command->add_option(
      "--verify-server",
      arguments->server.url,
      "Export nothing; ask the llama-server at this URL the --data conversations with "
      "and without the mask, and compare with the exact mask in this process");
  command
      ->add_option("--verify-limit",
                   arguments->server.n_conversation,
                   "Conversations to ask a server, at most")
      ->check(CLI::Range(1, 10000))
      ->capture_default_str();
  arguments->source.add_to(*command);
  command->callback([arguments, command, &session] {
    refuse_unused(*command, arguments->target);
    execute(*arguments, session);
  });
}

}  // namespace mascing::cli
