// `mascing export`: a mask in the form that other engines take.
#include <iostream>
#include <optional>

#include "base/text.h"
#include "cli/commands.h"
#include "cli/export_fit.h"
#include "cli/mask_options.h"
#include "cli/options.h"
#include "export/lora.h"
#include "mascing/error.h"

namespace mascing::cli {
namespace {

struct ExportArguments {
  std::vector<std::string> masks;
  std::string target;
  std::string output;
  ExportSource source;
};

void export_lora(const ExportArguments& arguments, const Mask& mask) {
  const RouterUpdate update = obtain_update(arguments.source, mask, false);
  print_fit(update);
  write_lora(arguments.output, update);
  say_written(arguments.output,
              "llama-server -m " + arguments.source.model_name() + " --lora-scaled " +
                  arguments.output + ":" + format_number(update.origin.alpha, 2));
}

void execute(const ExportArguments& arguments, Session& session) {
  const Mask mask = compose_from(arguments.masks);
  if (arguments.target == "lora") {
    export_lora(arguments, mask);
  }
  session.exit_code = 0;
}

}  // namespace

void add_export(CLI::App& app, Session& session) {
  auto arguments = std::make_shared<ExportArguments>();
  CLI::App* command = app.add_subcommand(
      "export", "Writes a mask, or several added up, in the form that another engine takes.");
  add_examples(*command,
               "  mascing export mask.gguf -m model.gguf --to lora -o mask.lora.gguf\n"
               "  mascing export defend.gguf=0.8 permit.gguf=0.5 -m model.gguf --to lora -o "
               "both.lora.gguf");
  command->add_option("masks", arguments->masks, "Mask files, each with =STRENGTH or at its own")
      ->required();
  command->add_option("--to", arguments->target, "Form: lora")
      ->required()
      ->check(CLI::IsMember({"lora"}));
  command->add_option("-o,--output", arguments->output, "File to write")->required();
  arguments->source.add_to(*command);
  command->callback([arguments, &session] { execute(*arguments, session); });
}

}  // namespace mascing::cli
