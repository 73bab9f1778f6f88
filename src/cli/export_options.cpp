// Every option goes into ExportOptions; files of conversations are read one behind the other.
#include "cli/export_options.h"

#include "mascing/conversation_file.h"

namespace mascing::cli {

void FitArguments::add_to(CLI::App& command) {
  model.add_to(command);
  command.get_option("--model")->required(false);
  command.add_option(
      "--adapter", adapter, "Reuse the fit of an adapter exported from the same mask");
  command.add_option("--data", data, "Conversations (JSONL) to collect router inputs from");
  command.add_option("--rank", rank, "Maximum rank of a router's change")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  command
      .add_option("--fit-tokens", n_max_token, "Maximum number of tokens for fitting and measuring")
      ->check(CLI::Range(200, 10000000))
      ->capture_default_str();
  add_seed(command, seed);
}

ExportOptions FitArguments::options() const {
  ExportOptions options;
  options.model = model.host;
  options.model.n_thread = model.n_thread();
  options.model.chat_template = model.chat_template();
  options.open_host = open_interruptible_host;
  options.codec = &ggml_codec();
  options.adapter = adapter;
  options.rank = rank;
  options.n_max_token = n_max_token;
  options.seed = seed;
  if (adapter.empty()) {
    for (const std::string& path : data) {
      const std::vector<Conversation> rows = read_conversations(path);
      options.conversations.insert(options.conversations.end(), rows.begin(), rows.end());
    }
  }
  return options;
}

}  // namespace mascing::cli
