// `mascing chat`: base and steered side by side.
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
  Sampling sampling{0.0F, 0, 400};
  ChatView view;
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
    std::cerr << "Both answer what you say: the model as it is, and steered. /help lists commands, "
                 "/quit ends.\n";
    std::signal(SIGINT, SIG_DFL);  // nothing here needs to be finished first
  }
  chat(talk, arguments.view, std::cin, std::cout);
  session.exit_code = 0;
}

}  // namespace

void add_chat(CLI::App& app, Session& session) {
  auto arguments = std::make_shared<ChatArguments>();
  CLI::App* command = app.add_subcommand(
      "chat",
      "Talks with a model and its steered self at once, side by side on a wide terminal. Lines are "
      "read from standard input:\n" +
          std::string(kChatHelp));
  add_examples(*command,
               "  mascing chat -m model.gguf --mask mask.gguf=0.8\n"
               "  echo \"Tell me a ghost story.\" | mascing chat -m model.gguf --mask mask.gguf");
  command
      ->add_option("--mask", arguments->masks, "Mask, FILE or FILE=STRENGTH; several are added up")
      ->required();
  command->add_option("--system", arguments->system, "System message");
  command->add_option("--max-tokens", arguments->sampling.n_max_token, "Tokens per reply, at most")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  command->add_option("--temperature", arguments->sampling.temperature, "0 = always the likeliest")
      ->check(CLI::Range(0.0, 10.0))
      ->capture_default_str();
  add_seed(*command, arguments->sampling.seed);
  command->add_option("--width",
                      arguments->view.width,
                      "Columns of the output, 0 = the terminal's; side by side from 90 on");
  command->add_flag("--json", arguments->view.json, "One JSON object per turn");
  arguments->model.add_to(*command);
  command->callback([arguments, &session] { execute(*arguments, session); });
}

}  // namespace mascing::cli
