// `mascing chat`: base and steered replies side by side.
#include <csignal>
#include <iostream>

#include <unistd.h>

#include "cli/chat.h"
#include "cli/commands.h"
#include "cli/mask_options.h"
#include "cli/options.h"
#include "mascing/error.h"

namespace mascing::cli {
namespace {

struct ChatArguments {
  std::vector<std::string> masks;
  std::string system;
  Sampling sampling{0.0F, 0, 400, 2048};
  ChatView view;
  bool has_no_history = false;
  ModelOptions model;
};

void execute(ChatArguments& arguments, Session& session) {
  const std::vector<WeightedMask> masks = read_masks(arguments.masks);
  warn_of_conflicts(masks);
  const auto host = arguments.model.open();
  ChatSession talk(*host, arguments.sampling);
  talk.set_masks(masks);
  talk.set_system(arguments.system);
  arguments.view.is_interactive = isatty(STDIN_FILENO) == 1 && !arguments.view.json;
  if (arguments.view.is_interactive) {
    std::cerr << "The base model and the steered model both reply.\n"
                 "/help lists commands, /quit exits.\n";
    std::signal(SIGINT, SIG_DFL);  // nothing to clean up
  }
  LineReader lines(std::cin,
                   arguments.view.is_interactive,
                   arguments.has_no_history ? "" : history_file("chat"));
  chat(talk, arguments.view, lines, std::cout);
  session.exit_code = 0;
}

}  // namespace

void add_chat(CLI::App& app, Session& session) {
  auto arguments = std::make_shared<ChatArguments>();
  CLI::App* command = app.add_subcommand(
      "chat",
      "Chat with the base and the steered model side by side. Messages and commands are read from "
      "standard input:\n" +
          std::string(kChatHelp));
  add_examples(*command,
               "  mascing chat -m model.gguf --mask mask.gguf=0.8\n"
               "  echo \"Tell me a ghost story.\" | mascing chat -m model.gguf --mask mask.gguf");
  command
      ->add_option(
          "--mask", arguments->masks, "Mask, as FILE or FILE=STRENGTH; repeat to combine masks")
      ->required();
  command->add_option("--system", arguments->system, "System message");
  command->add_option("--max-tokens", arguments->sampling.n_max_token, "Maximum tokens per reply")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  command
      ->add_option(
          "--temperature", arguments->sampling.temperature, "Sampling temperature, 0 = greedy")
      ->check(CLI::Range(0.0, 10.0))
      ->capture_default_str();
  add_seed(*command, arguments->sampling.seed);
  command->add_option("--width",
                      arguments->view.width,
                      "Output width in columns, 0 = terminal width; two columns from 90 up");
  command->add_flag("--json", arguments->view.json, "Print one JSON object per turn");
  add_history_switch(*command, arguments->has_no_history);
  arguments->model.add_to(*command);
  command->callback([arguments, &session] { execute(*arguments, session); });
}

}  // namespace mascing::cli
