// `mascing export`: a mask in the form that other engines take.
#include <filesystem>
#include <iostream>

#include "base/text.h"
#include "cli/commands.h"
#include "cli/export_check.h"
#include "cli/export_fit.h"
#include "cli/export_results.h"
#include "cli/mask_options.h"
#include "cli/options.h"
#include "cli/progress_line.h"
#include "export/bake_gguf.h"
#include "export/bake_hf.h"
#include "export/easysteer.h"
#include "export/lora.h"
#include "mascing/error.h"

namespace mascing::cli {
namespace {

constexpr double kNoticeableLoss = 0.05;

struct ExportArguments {
  std::vector<std::string> masks;
  std::string target;
  std::string output;
  std::string folder;
  std::string check;
  std::string results;
  bool any_model = false;
  ExportSource source;
};

void require_model(const ExportArguments& arguments) {
  if (!arguments.source.has_model()) {
    throw Error(ErrorKind::kUsage,
                "[export] --to " + arguments.target + " needs the model",
                "give -m model.gguf");
  }
}

void print_losses(const std::vector<RoundingLoss>& losses) {
  double worst = 0.0;
  std::string type;
  for (const RoundingLoss& loss : losses) {
    if (loss.loss >= worst) {
      worst = loss.loss;
      type = loss.type;
    }
  }
  std::cout << "rounding to " << type << " takes away at most " << format_number(100.0 * worst, 2)
            << " % of a router's change\n";
  if (worst > kNoticeableLoss) {
    say_warning("rounding_loss",
                "routers of type " + type + " cannot hold the change exactly: " +
                    format_number(100.0 * worst, 1) + " % of it is rounded away in one layer",
                "use a model with routers in F32 (llama.cpp's default), or the adapter");
  }
}

void keep_results(const ExportArguments& arguments,
                  const std::string& file,
                  const RouterUpdate& update) {
  if (!arguments.results.empty()) {
    add_to_results(arguments.results, file, arguments.target, update);
  }
}

void export_lora(const ExportArguments& arguments, const Mask& mask) {
  RouterUpdate update = obtain_update(arguments.source, mask, false);
  print_fit(update);
  write_lora(arguments.output, update);
  if (!arguments.check.empty()) {
    LlamaHostOptions options = arguments.source.model.host;
    options.adapters = {{arguments.output, mask.alpha}};
    update.fidelity = check_form(arguments.source.model, options, mask, arguments.check);
    write_lora(arguments.output, update);
    keep_results(arguments, arguments.output, update);
  }
  say_written(arguments.output,
              "llama-server -m " + arguments.source.model_name() + " --lora-scaled " +
                  arguments.output + ":" + format_number(update.origin.alpha, 2));
}

void export_gguf(const ExportArguments& arguments, const Mask& mask) {
  require_model(arguments);
  const std::string& model = arguments.source.model.host.path;
  RouterUpdate update = obtain_update(arguments.source, mask, true);
  if (!arguments.check.empty()) {
    // The record stands before the weights: a first copy is measured, a second one carries it.
    const std::string trial = arguments.output + ".unchecked.gguf";
    ProgressLine line;
    const BakeReport baked = bake_gguf(model, trial, update, ggml_codec(), line.callback());
    LlamaHostOptions options = arguments.source.model.host;
    options.path = baked.files.front();
    try {
      update.fidelity = check_form(arguments.source.model, options, mask, arguments.check);
    } catch (...) {
      remove_files(baked.files);
      throw;
    }
    remove_files(baked.files);
  }
  ProgressLine line;
  const BakeReport baked =
      bake_gguf(model, arguments.output, update, ggml_codec(), line.callback());
  print_fit(update);
  print_losses(baked.losses);
  keep_results(arguments, baked.files.front(), update);
  say_written(baked.files.front(), "mascing mask verify " + baked.files.front());
}

void export_hf(const ExportArguments& arguments, const Mask& mask) {
  if (arguments.folder.empty()) {
    throw Error(ErrorKind::kUsage,
                "[export] --to hf needs --model-dir",
                "give the folder of the original Hugging Face model: --model-dir hf/");
  }
  if (!arguments.check.empty()) {
    throw Error(ErrorKind::kUsage,
                "[export] --check cannot run a Hugging Face folder",
                "check the adapter or the baked GGUF: they are made from the same fit");
  }
  const RouterUpdate update = obtain_update(arguments.source, mask, true);
  ProgressLine line;
  const HfReport baked =
      bake_hf(arguments.folder, arguments.output, update, arguments.any_model, line.callback());
  print_fit(update);
  print_losses(baked.losses);
  std::cout << baked.rewritten.size() << " files rewritten, " << baked.linked.size()
            << " taken over\n";
  for (const std::string& name : baked.skipped) {
    std::cout << "  left out: " << name << " (would not be steered)\n";
  }
  say_written(arguments.output, "vllm serve " + arguments.output);
}

void export_easysteer(const ExportArguments& arguments, const Mask& mask) {
  const auto layers = easysteer_layers(mask, static_cast<double>(mask.alpha));
  write_easysteer(arguments.output, mask, layers);
  std::cout << "block  experts  lambda   kept of the mask's row\n";
  double least = 1.0;
  for (const EasySteerLayer& layer : layers) {
    std::cout << mask.blocks[layer.i_layer] << "      " << layer.experts.size() << "        "
              << format_number(layer.lambda, 3) << "   " << format_number(layer.explained, 3)
              << '\n';
    least = std::min(least, layer.explained);
  }
  say_warning("two_levels",
              "EasySteer takes one strength per layer: of one row only " +
                  format_number(100.0 * least, 0) + " % of the variance is kept",
              "measure it in vLLM before use; the baked folder (--to hf) keeps every number");
  say_written(arguments.output, "");
}

void execute(const ExportArguments& arguments, Session& session) {
  const Mask mask = compose_from(arguments.masks);
  if (!arguments.results.empty()) {
    if (arguments.check.empty()) {
      throw Error(ErrorKind::kUsage,
                  "[export] --results needs --check: there is nothing to add to the results",
                  "give conversations to compare on: --check conversations.jsonl");
    }
    require_results_of(arguments.results, mask);
  }
  if (arguments.target == "lora") {
    export_lora(arguments, mask);
  } else if (arguments.target == "gguf") {
    export_gguf(arguments, mask);
  } else if (arguments.target == "hf") {
    export_hf(arguments, mask);
  } else {
    export_easysteer(arguments, mask);
  }
  session.exit_code = 0;
}

}  // namespace

void add_export(CLI::App& app, Session& session) {
  auto arguments = std::make_shared<ExportArguments>();
  CLI::App* command = app.add_subcommand(
      "export", "Writes a mask, or several added up, in the form that another engine takes.");
  add_examples(
      *command,
      "  mascing export mask.gguf -m model.gguf --data chats.jsonl --to lora -o mask.lora.gguf\n"
      "  mascing export mask.gguf -m model.gguf --adapter mask.lora.gguf --to gguf -o "
      "steered.gguf\n"
      "  mascing export mask.gguf --adapter mask.lora.gguf --model-dir hf/ --to hf -o hf-steered/\n"
      "  mascing export defend.gguf=0.8 permit.gguf=0.5 --to easysteer -o both.json");
  command->add_option("masks", arguments->masks, "Mask files, each with =STRENGTH or at its own")
      ->required();
  command->add_option("--to", arguments->target, "Form: lora, gguf, hf or easysteer")
      ->required()
      ->check(CLI::IsMember({"lora", "gguf", "hf", "easysteer"}));
  command->add_option("-o,--output", arguments->output, "File or folder to write")->required();
  command->add_option(
      "--model-dir", arguments->folder, "Folder of the original Hugging Face model (--to hf)");
  command->add_option("--check",
                      arguments->check,
                      "Conversations (JSONL) on which the exact mask and the exported form are "
                      "compared; the result is stored in the file");
  command->add_option("--results",
                      arguments->results,
                      "results.json of the run that made the mask: what --check finds is added to "
                      "it and to the report beside it");
  command->add_flag(
      "--any-model", arguments->any_model, "Do not insist that the folder is the mask's model");
  arguments->source.add_to(*command);
  command->callback([arguments, &session] { execute(*arguments, session); });
}

}  // namespace mascing::cli
