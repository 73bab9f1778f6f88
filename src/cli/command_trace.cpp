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
  TraceStoreOptions store = {"traces"};
  std::string shard = "1/1";
  ModelOptions model;
};

void execute(const TraceArguments& arguments, Session& session) {
  TraceStoreOptions store = arguments.store;
  store.shard = parse_shard(arguments.shard);
  std::vector<TraceInput> inputs;
  for (const std::string& path : arguments.files) {
    inputs.push_back({file_stem(path), read_conversations(path)});
  }
  ensure_directory(store.folder);
  const auto host = arguments.model.open();
  std::vector<Skipped> skipped;
  ProgressLine line;
  const TraceSet traces = collect_traces(*host, inputs, store, skipped, line.callback());
  std::cout << traces.traces.size() << " conversations traced, " << traces.n_layer << " layers x "
            << traces.n_expert << " experts; " << skipped.size() << " skipped\n";
  for (const Skipped& skip : skipped) {
    std::cout << "  skipped " << skip.id << ": " << skip.reason << '\n';
  }
  say_written(store.folder,
              store.shard.is_whole()
                  ? "mascing train " + store.folder + " -o surrogate.safetensors"
                  : "the same command with --merge and the folders of all shards");
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
  command->add_option("-o,--output", arguments->store.folder, "Folder of the trace store")
      ->capture_default_str();
  command->add_option("--shard", arguments->shard, "Trace one part of the work only, such as 2/4")
      ->capture_default_str();
  command->add_option("--merge",
                      arguments->store.merge,
                      "Folders of shards: what they have is copied, what is missing is traced");
  arguments->model.add_to(*command);
  command->callback([arguments, &session] { execute(*arguments, session); });
}

}  // namespace mascing::cli
