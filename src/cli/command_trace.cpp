// `mascing trace`: records the router logits of labelled conversations.
#include <iostream>

#include "base/files.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "cli/progress_line.h"
#include "format/conversations.h"
#include "pipeline/traces.h"

namespace mascing::cli {
namespace {

struct TraceArguments {
  std::vector<std::string> files;
  std::string output = "traces";
  ModelOptions model;
};

void execute(const TraceArguments& arguments, Session& session) {
  std::vector<TraceInput> inputs;
  for (const std::string& path : arguments.files) {
    inputs.push_back({file_stem(path), read_conversations(path)});
  }
  ensure_directory(arguments.output);
  const auto host = arguments.model.open();
  std::vector<Skipped> skipped;
  ProgressLine line;
  const TraceSet traces = collect_traces(*host, inputs, arguments.output, skipped, line.callback());
  std::cout << traces.traces.size() << " conversations traced, " << traces.n_layer << " layers x "
            << traces.n_expert << " experts; " << skipped.size() << " skipped\n";
  for (const Skipped& skip : skipped) {
    std::cout << "  skipped " << skip.id << ": " << skip.reason << '\n';
  }
  say_written(arguments.output, "mascing train " + arguments.output + " -o surrogate.safetensors");
  session.exit_code = 0;
}

}  // namespace

void add_trace(CLI::App& app, Session& session) {
  auto arguments = std::make_shared<TraceArguments>();
  CLI::App* command = app.add_subcommand("trace",
                                         "Records the router logits at the final user message of "
                                         "each conversation (JSONL with labels).");
  add_examples(*command, "  mascing trace labelled.jsonl benign.jsonl -m model.gguf -o traces/");
  command
      ->add_option("files",
                   arguments->files,
                   "Conversations; rows without a label serve to preserve routing")
      ->required();
  command->add_option("-o,--output", arguments->output, "Folder of the trace store")
      ->capture_default_str();
  arguments->model.add_to(*command);
  command->callback([arguments, &session] { execute(*arguments, session); });
}

}  // namespace mascing::cli
