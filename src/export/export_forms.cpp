// One function per form: obtain the update, write it, check it, report.
#include <algorithm>
#include <optional>

#include "base/append.h"
#include "base/files.h"
#include "base/text.h"
#include "export/bake_gguf.h"
#include "export/bake_hf.h"
#include "export/check_form.h"
#include "export/easysteer.h"
#include "export/hf_patches.h"
#include "export/lora.h"
#include "export/obtain_update.h"
#include "export/peft.h"
#include "export/unfinished_folder.h"
#include "mascing/error.h"
#include "mascing/export.h"
#include "mascing/model_info.h"

namespace mascing {
namespace {

constexpr double kNoticeableLoss = 0.05;

void warn_of_rounding(const char* hint, ExportReport& report) {
  const RoundingLoss worst = largest_loss(report.losses);
  if (worst.loss > kNoticeableLoss) {
    report.warnings.push_back(
        {"rounding_loss",
         "routers of type " + worst.type +
             " cannot hold the change exactly: " + format_number(100.0 * worst.loss, 1) +
             " % of it is lost to rounding in the worst layer",
         std::string("if that is too much, ") + hint});
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

/// That a file can be written there; what killed exports left beside it goes.
void require_place(const std::string& output) {
  remove_abandoned(output, WorkPlace::kBeside);
  const AtomicFile probe(output);
}

const TensorCodec& codec_of(const ExportOptions& options) {
  return options.codec == nullptr ? plain_codec() : *options.codec;
}

/// What can be told of the update before a fit, which takes long; nothing where none is made.
std::optional<RouterUpdate> outline_before_fit(const Mask& mask, const ExportOptions& options) {
  require_effect(mask);
  if (!options.adapter.empty() || options.model.path.empty()) {
    return std::nullopt;
  }
  return outline_of(mask, read_model_info(options.model.path, false, options.codec).n_embd);
}

/// That the model's folder takes the update and another can be written.
void require_model_folder(const std::string& folder,
                          const std::string& output,
                          const RouterUpdate& outline,
                          bool any_model) {
  require_unused_folder(output);
  (void)open_fitting(folder, outline, any_model);
  const WorkFolder probe(output, WorkPlace::kBeside);
}

FidelityRecord check_trial_adapter(const Mask& mask,
                                   const std::string& output,
                                   const RouterUpdate& update,
                                   const ExportOptions& options,
                                   const Progress& progress) {
  const WorkFolder trial(output, WorkPlace::kBeside);
  LlamaHostOptions exported = options.model;
  exported.adapters = {{trial.file("adapter.gguf"), mask.alpha}};
  write_lora(trial.file("adapter.gguf"), update);
  return check_form(mask, options, exported, progress);
}

/// The record stands before the weights: a first copy is measured, a second one carries it.
FidelityRecord check_trial_copy(const Mask& mask,
                                const std::string& output,
                                const RouterUpdate& update,
                                const ExportOptions& options,
                                const Progress& progress) {
  const WorkFolder trial(output, WorkPlace::kBeside);
  LlamaHostOptions exported = options.model;
  exported.path =
      bake_gguf(options.model.path, trial.file("model.gguf"), update, codec_of(options), progress)
          .files.front();
  return check_form(mask, options, exported, progress);
}

}  // namespace

ExportReport export_lora(const Mask& mask,
                         const std::string& output,
                         const ExportOptions& options,
                         const Progress& progress) {
  require_adapters(mask.architecture);
  require_place(output);
  auto [update, warnings] = obtain_update(mask, options, false, progress);
  ExportReport report;
  report.files = {output};
  report.fit = layer_fits(update);
  report.warnings = std::move(warnings);
  if (!options.check.empty()) {
    update.fidelity = check_trial_adapter(mask, output, update, options, progress);
    report.check = entry_of(output, "lora", update);
    append(check_warnings(update.fidelity, options), report.warnings);
  }
  write_lora(output, update);
  return report;
}

ExportReport export_gguf(const Mask& mask,
                         const std::string& output,
                         const ExportOptions& options,
                         const Progress& progress) {
  if (const auto outline = outline_before_fit(mask, options)) {
    require_bakeable(options.model.path, output, *outline, codec_of(options));
  }
  require_place(output);
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
  warn_of_rounding(kGgufRoundingHint, report);
  if (!options.check.empty()) {
    report.check = entry_of(report.files.front(), "gguf", update);
    append(check_warnings(update.fidelity, options), report.warnings);
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
  if (const auto outline = outline_before_fit(mask, options)) {
    require_unbaked_folder(folder);
    require_model_folder(folder, output, *outline, options.any_model);
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
  warn_of_rounding(kHfRoundingHint, report);
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
  if (const auto outline = outline_before_fit(mask, options)) {
    require_model_folder(folder, output, *outline, options.any_model);
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
