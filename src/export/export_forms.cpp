// One function per form: obtain the update, write it, check it, report.
#include <algorithm>
#include <filesystem>

#include "base/text.h"
#include "export/bake_gguf.h"
#include "export/bake_hf.h"
#include "export/check_form.h"
#include "export/easysteer.h"
#include "export/lora.h"
#include "export/obtain_update.h"
#include "export/peft.h"
#include "mascing/error.h"
#include "mascing/export.h"

namespace mascing {
namespace {

constexpr double kNoticeableLoss = 0.05;

void warn_of_rounding(ExportReport& report) {
  const RoundingLoss worst = largest_loss(report.losses);
  if (worst.loss > kNoticeableLoss) {
    report.warnings.push_back(
        {"rounding_loss",
         "routers of type " + worst.type +
             " cannot hold the change exactly: " + format_number(100.0 * worst.loss, 1) +
             " % of it is lost to rounding in the worst layer",
         "use a model with F32 routers (the llama.cpp default), or the LoRA adapter"});
  }
}

void warn_of_two_levels(ExportReport& report) {
  double least = 1.0;
  for (const EasySteerLayer& layer : report.two_levels) {
    least = std::min(least, layer.explained);
  }
  report.warnings.push_back(
      {"two_levels",
       "EasySteer allows one strength per layer; the worst layer keeps only " +
           format_number(100.0 * least, 0) + " % of the mask's variance",
       "measure it in vLLM before use; the baked folder (--to hf) keeps every value"});
}

/// Files that go when this does.
class TrialFiles {
 public:
  explicit TrialFiles(std::vector<std::string> paths) : paths_(std::move(paths)) {}
  ~TrialFiles() {
    std::error_code ignored;
    for (const std::string& path : paths_) {
      std::filesystem::remove(path, ignored);
    }
  }
  TrialFiles(const TrialFiles&) = delete;
  TrialFiles& operator=(const TrialFiles&) = delete;

 private:
  std::vector<std::string> paths_;
};

const TensorCodec& codec_of(const ExportOptions& options) {
  return options.codec == nullptr ? plain_codec() : *options.codec;
}

/// The record stands before the weights: a first copy is measured, a second one carries it.
FidelityRecord check_trial_copy(const Mask& mask,
                                const std::string& output,
                                const RouterUpdate& update,
                                const ExportOptions& options,
                                const Progress& progress) {
  const std::vector<std::string> files =
      bake_gguf(options.model.path, output + ".unchecked.gguf", update, codec_of(options), progress)
          .files;
  const TrialFiles trial(files);
  LlamaHostOptions exported = options.model;
  exported.path = files.front();
  return check_form(mask, options, exported, progress);
}

}  // namespace

ExportReport export_lora(const Mask& mask,
                         const std::string& output,
                         const ExportOptions& options,
                         const Progress& progress) {
  require_adapters(mask.architecture);
  auto [update, warnings] = obtain_update(mask, options, false, progress);
  ExportReport report;
  report.files = {output};
  report.fit = layer_fits(update);
  report.warnings = std::move(warnings);
  write_lora(output, update);
  if (!options.check.empty()) {
    LlamaHostOptions exported = options.model;
    exported.adapters = {{output, mask.alpha}};
    update.fidelity = check_form(mask, options, exported, progress);
    write_lora(output, update);
    report.check = entry_of(output, "lora", update);
  }
  return report;
}

ExportReport export_gguf(const Mask& mask,
                         const std::string& output,
                         const ExportOptions& options,
                         const Progress& progress) {
  auto [update, warnings] = obtain_update(mask, options, true, progress);
  if (!options.check.empty()) {
    update.fidelity = check_trial_copy(mask, output, update, options, progress);
  }
  BakeReport baked = bake_gguf(options.model.path, output, update, codec_of(options), progress);
  ExportReport report;
  report.files = std::move(baked.files);
  report.fit = layer_fits(update);
  report.losses = std::move(baked.losses);
  report.warnings = std::move(warnings);
  warn_of_rounding(report);
  if (!options.check.empty()) {
    report.check = entry_of(report.files.front(), "gguf", update);
  }
  return report;
}

ExportReport export_hf(const Mask& mask,
                       const std::string& folder,
                       const std::string& output,
                       const ExportOptions& options,
                       const Progress& progress) {
  if (!options.check.empty()) {
    throw Error(ErrorKind::kUsage,
                "[export] --check cannot run a Hugging Face folder",
                "check the adapter or the baked GGUF, which use the same fit");
  }
  auto [update, warnings] = obtain_update(mask, options, true, progress);
  HfReport baked = bake_hf(folder, output, update, options.any_model, progress);
  ExportReport report;
  report.files = std::move(baked.rewritten);
  report.fit = layer_fits(update);
  report.losses = std::move(baked.losses);
  report.linked = std::move(baked.linked);
  report.skipped = std::move(baked.skipped);
  report.warnings = std::move(warnings);
  warn_of_rounding(report);
  return report;
}

ExportReport export_peft(const Mask& mask,
                         const std::string& folder,
                         const std::string& output,
                         const ExportOptions& options,
                         const Progress& progress) {
  if (!options.check.empty()) {
    throw Error(ErrorKind::kUsage,
                "[export] --check cannot run a PEFT adapter",
                "check the GGUF adapter, which uses the same fit");
  }
  auto [update, warnings] = obtain_update(mask, options, false, progress);
  write_peft(folder, output, update, options.any_model);
  ExportReport report;
  report.files = {kPeftConfig, kPeftTensors};
  report.fit = layer_fits(update);
  report.warnings = std::move(warnings);
  return report;
}

ExportReport export_easysteer(const Mask& mask, const std::string& output) {
  require_effect(mask);
  ExportReport report;
  report.files = {output};
  report.two_levels = easysteer_layers(mask, mask.alpha);
  write_easysteer(output, mask, report.two_levels);
  warn_of_two_levels(report);
  return report;
}

}  // namespace mascing
