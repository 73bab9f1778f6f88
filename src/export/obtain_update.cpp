// Fits on the texts that calibration_samples() picks, and says so where texts or fit are poor.
#include "export/obtain_update.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "base/append.h"
#include "base/text.h"
#include "export/calibration.h"
#include "export/followed_choice.h"
#include "export/lora.h"
#include "mascing/error.h"
#include "mascing/model_info.h"

namespace mascing {
namespace {

constexpr double kPoorAgreement = 0.9;     // share of tokens with the same experts
constexpr int64_t kCalibrationReply = 48;  // tokens

void warn_of_poor_fit(ObtainedUpdate& obtained) {
  double worst = 1.0;
  for (const LayerUpdate& layer : obtained.update.layers) {
    worst = std::min(worst, layer.quality.same_experts);
  }
  if (worst < kPoorAgreement) {
    obtained.warnings.push_back({"poor_fit",
                                 "in the worst layer only " + format_number(100.0 * worst, 1) +
                                     " % of tokens get the experts that the exact mask selects",
                                 "use --data with conversations like those in deployment, and "
                                 "compare the result with the exact mask: `mascing "
                                 "export --check`"});
  }
}

void warn_of_other_strength(double fitted_at, ObtainedUpdate& obtained) {
  obtained.warnings.push_back(
      {"other_strength",
       "the adapter was fitted at strength " + format_number(fitted_at, 3) +
           ", so how good the fit is at " + format_number(obtained.update.origin.alpha, 3) +
           " is not known",
       "fit again at this strength (-m and --data in place of --adapter), or measure it: `mascing "
       "export --check`"});
}

ObtainedUpdate read_adapter(const std::string& adapter, const Mask& mask) {
  ObtainedUpdate obtained{read_lora(adapter), {}};
  RouterUpdate& update = obtained.update;
  if (update.origin.mask_hash != hash_mask(mask)) {
    throw Error(ErrorKind::kMismatch,
                "[export] " + adapter + " was made from another mask (" + update.origin.scenario +
                    ", " + update.origin.mask_hash.substr(0, 12) + ")",
                "export an adapter from this mask first, or replace --adapter with -m");
  }
  update.fidelity = {};
  const double fitted_at = std::exchange(update.origin.alpha, double{mask.alpha});
  const auto is_measured = [](const LayerUpdate& layer) { return layer.quality.n_token > 0; };
  if (fitted_at != update.origin.alpha &&
      std::any_of(update.layers.begin(), update.layers.end(), is_measured)) {
    for (LayerUpdate& layer : update.layers) {
      layer.quality = {};
    }
    warn_of_other_strength(fitted_at, obtained);
  }
  warn_of_poor_fit(obtained);
  return obtained;
}

void warn_of_skipped(const CalibrationTexts& texts, ObtainedUpdate& obtained) {
  if (texts.n_skipped > 0) {
    obtained.warnings.push_back({"conversations_skipped",
                                 counted(texts.n_skipped, "conversation") +
                                     " could not be rendered; the first: " + texts.first_error,
                                 "repair or remove them, unless there are few"});
  }
}

void warn_of_baked(const ModelInfo& info, ObtainedUpdate& obtained) {
  if (!info.baked.empty()) {
    obtained.warnings.push_back(
        {"baked_model",
         "the model already has " + info.baked + " in its routers",
         "the exported mask comes on top of it, as it did when it was found"});
  }
}

Mask without_adapter(Mask mask) {
  mask.adapter = {};
  return mask;
}

ObtainedUpdate fit(const Mask& mask,
                   const ExportOptions& options,
                   bool may_shift,
                   const Progress& progress) {
  ObtainedUpdate obtained;
  if (options.conversations.empty()) {
    obtained.warnings.push_back(
        {"no_calibration_data",
         "no --data given; router inputs are learned from generic questions and from text the "
         "model generates",
         "add conversations like those in deployment, such as labelled.jsonl of the run: --data "
         "conversations.jsonl"});
  }
  const auto host = options.open_host(options.model);
  require_same_model(mask, host->describe());
  warn_of_baked(host->describe(), obtained);
  const Steering steering{std::make_shared<const Mask>(mask), mask.alpha};
  report(progress, {"read", 0, 1, "texts", ""});
  const CalibrationTexts texts =
      calibration_samples(*host,
                          options.conversations,
                          steering,
                          {options.n_max_token, kCalibrationReply, options.seed});
  warn_of_skipped(texts, obtained);
  const FollowedChoice followed = follow_choice(options);
  append(followed.warnings, obtained.warnings);
  FitOptions how;
  how.traits = followed.traits;
  how.may_shift = may_shift;
  how.rank = options.rank;
  how.n_max_token = options.n_max_token;
  how.n_thread =
      options.model.n_thread > 0 ? options.model.n_thread : std::thread::hardware_concurrency();
  obtained.update =
      fit_router_update(*host, without_adapter(mask), mask.alpha, texts.samples, how, progress);
  require_finite(obtained.update);
  obtained.update.origin = origin_of(mask, mask.alpha);
  warn_of_poor_fit(obtained);
  if (mask.has_adapter()) {
    append_update(update_of_adapter(mask, mask.alpha), obtained.update);
  }
  return obtained;
}

}  // namespace

void require_effect(const Mask& mask) {
  if (mask.n_active() == 0 || mask.alpha == 0.0F) {
    throw Error(ErrorKind::kInsufficient,
                "[export] nothing to export, the mask is empty or its strength is 0",
                "set a strength: mask.gguf=1.0");
  }
}

ObtainedUpdate obtain_update(const Mask& mask,
                             const ExportOptions& options,
                             bool may_shift,
                             const Progress& progress) {
  require_effect(mask);
  ObtainedUpdate obtained;
  if (!options.adapter.empty()) {
    if (!options.model.path.empty()) {
      require_same_model(mask, read_model_info(options.model.path, false, options.codec));
    }
    obtained = read_adapter(options.adapter, mask);
  } else if (without_adapter(mask).n_active() == 0) {
    if (!options.model.path.empty()) {
      const ModelInfo info = read_model_info(options.model.path, false, options.codec);
      require_same_model(mask, info);
      warn_of_baked(info, obtained);
    }
    obtained.update = update_of_adapter(mask, mask.alpha);  // exact: there is nothing to fit
  } else if (options.model.path.empty()) {
    throw Error(ErrorKind::kUsage,
                "[export] neither -m nor --adapter was given; the fit needs the model",
                "add -m model.gguf, or --adapter with a previously exported mask.lora.gguf");
  } else {
    return fit(mask, options, may_shift, progress);
  }
  if (!options.check.empty() && !options.model.path.empty()) {
    append(follow_choice(options).warnings, obtained.warnings);
  }
  return obtained;
}

}  // namespace mascing
