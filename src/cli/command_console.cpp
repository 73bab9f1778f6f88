// `mascing console`: a page on this machine that shows base and steered answers side by side.
#include <iostream>

#include "cli/commands.h"
#include "cli/mask_options.h"
#include "cli/options.h"
#include "cli/progress_line.h"
#include "console/server.h"

namespace mascing::cli {
namespace {

struct ConsoleArguments {
  std::vector<std::string> masks;
  console::Defaults defaults{{}, {}, {0.0F, 0, 400, 2048}};
  int port = 8090;
  ModelOptions model;
};

void execute(ConsoleArguments& arguments, Session& session) {
  const std::vector<WeightedMask> masks = read_masks(arguments.masks);
  warn_of_conflicts(masks);
  const auto host = arguments.model.open();
  console::Answers answers(*host, masks, arguments.defaults);
  console::Server server(answers, arguments.port);
  std::cout << server.url() << std::endl;
  std::cerr << "Open the address in a browser on this machine. Whoever knows it can use the "
               "console. Ctrl-C ends it.\n";
  server.run(stop_was_requested);
  std::cerr << "The console has ended.\n";
  session.exit_code = 0;
}

}  // namespace

void add_console(CLI::App& app, Session& session) {
  auto arguments = std::make_shared<ConsoleArguments>();
  CLI::App* command = app.add_subcommand(
      "console",
      "Chat in a browser: base and steered answers side by side, a strength for each mask, and "
      "which experts were chosen. Serves this machine only and prints the address to open.");
  add_examples(*command,
               "  mascing console -m model.gguf --mask mask.gguf=0.8\n"
               "  mascing console -m model.gguf --mask defend.gguf --mask permit.gguf=0");
  command
      ->add_option(
          "--mask", arguments->masks, "Mask, as FILE or FILE=STRENGTH; repeat for a control each")
      ->required();
  command->add_option("--port", arguments->port, "Port on 127.0.0.1, 0 = any that is free")
      ->check(CLI::Range(0, 65535))
      ->capture_default_str();
  command->add_option("--system", arguments->defaults.system, "System message at the start");
  Sampling& sampling = arguments->defaults.sampling;
  command->add_option("--max-tokens", sampling.n_max_token, "Maximum tokens per reply")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  command->add_option("--temperature", sampling.temperature, "Sampling temperature, 0 = greedy")
      ->check(CLI::Range(0.0, 10.0))
      ->capture_default_str();
  add_seed(*command, sampling.seed);
  arguments->model.add_to(*command);
  command->callback([arguments, &session] { execute(*arguments, session); });
}

}  // namespace mascing::cli
