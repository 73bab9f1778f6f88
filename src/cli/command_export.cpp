// `mascing export`: converts a mask to the formats of other inference engines.
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
                "add -m model.gguf");
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
  std::cout << "rounding to " << type << " loses at most " << format_number(100.0 * worst, 2)
            << " % of a router's change\n";
  if (worst > kNoticeableLoss) {
    say_warning("rounding_loss",
                "routers of type " + type +
                    " cannot hold the change exactly: " + format_number(100.0 * worst, 1) +
                    " % of it is lost to rounding in the worst layer",
                "use a model with F32 routers (the llama.cpp default), or the LoRA adapter");
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
    // The record precedes the weights: a first copy is measured, a second one carries the record.
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
                "add the folder of the original Hugging Face model: --model-dir hf/");
  }
  if (!arguments.check.empty()) {
    throw Error(ErrorKind::kUsage,
                "[export] --check cannot run a Hugging Face folder",
                "check the adapter or the baked GGUF, which use the same fit");
  }
  const RouterUpdate update = obtain_update(arguments.source, mask, true);
  ProgressLine line;
  const HfReport baked =
      bake_hf(arguments.folder, arguments.output, update, arguments.any_model, line.callback());
  print_fit(update);
  print_losses(baked.losses);
  std::cout << baked.rewritten.size() << " files rewritten, " << baked.linked.size()
            << " linked unchanged\n";
  for (const std::string& name : baked.skipped) {
    std::cout << "  omitted " << name << " (would bypass steering)\n";
  }
  say_written(arguments.output, "vllm serve " + arguments.output);
}

void export_easysteer(const ExportArguments& arguments, const Mask& mask) {
  const auto layers = easysteer_layers(mask, static_cast<double>(mask.alpha));
  write_easysteer(arguments.output, mask, layers);
  std::cout << "block  experts  lambda   variance kept\n";
  double least = 1.0;
  for (const EasySteerLayer& layer : layers) {
    std::cout << mask.blocks[layer.i_layer] << "      " << layer.experts.size() << "        "
              << format_number(layer.lambda, 3) << "   " << format_number(layer.explained, 3)
              << '\n';
    least = std::min(least, layer.explained);
  }
  say_warning("two_levels",
              "EasySteer allows one strength per layer; the worst layer keeps only " +
                  format_number(100.0 * least, 0) + " % of the mask's variance",
              "measure it in vLLM before use; the baked folder (--to hf) keeps every value");
  say_written(arguments.output, "");
}

void execute(const ExportArguments& arguments, Session& session) {
  const Mask mask = compose_from(arguments.masks);
  if (!arguments.results.empty()) {
    if (arguments.check.empty()) {
      throw Error(
          ErrorKind::kUsage,
          "[export] --results needs --check; otherwise there is nothing to add to the results",
          "add conversations to compare on: --check conversations.jsonl");
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
      "export", "Convert one or more masks to the format of another inference engine.");
  add_examples(
      *command,
      "  mascing export mask.gguf -m model.gguf --data chats.jsonl --to lora -o mask.lora.gguf\n"
      "  mascing export mask.gguf -m model.gguf --adapter mask.lora.gguf --to gguf -o "
      "steered.gguf\n"
      "  mascing export mask.gguf --adapter mask.lora.gguf --model-dir hf/ --to hf -o hf-steered/\n"
      "  mascing export defend.gguf=0.8 permit.gguf=0.5 --to easysteer -o both.json");
  command->add_option("masks", arguments->masks, "Mask files, as FILE or FILE=STRENGTH")
      ->required();
  command->add_option("--to", arguments->target, "Format: lora, gguf, hf or easysteer")
      ->required()
      ->check(CLI::IsMember({"lora", "gguf", "hf", "easysteer"}));
  command->add_option("-o,--output", arguments->output, "File or folder to write")->required();
  command->add_option(
      "--model-dir", arguments->folder, "Folder of the original Hugging Face model (--to hf)");
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
  arguments->source.add_to(*command);
  command->callback([arguments, &session] { execute(*arguments, session); });
}

}  // namespace mascing::cli
