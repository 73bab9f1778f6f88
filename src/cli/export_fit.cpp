// Fits a router update or reads it from an adapter.
#include "cli/export_fit.h"

#include <algorithm>
#include <iostream>

#include "base/text.h"
#include "cli/mask_options.h"
#include "cli/progress_line.h"
#include "export/calibration.h"
#include "export/lora.h"
#include "mascing/conversation_file.h"
#include "mascing/error.h"

namespace mascing::cli {
namespace {

constexpr double kPoorAgreement = 0.9;  // share of tokens with the same experts

void warn_of_poor_fit(const RouterUpdate& update) {
  double worst = 1.0;
  for (const LayerUpdate& layer : update.layers) {
    worst = std::min(worst, layer.quality.same_experts);
  }
  if (worst < kPoorAgreement) {
    say_warning("poor_fit",
                "in the worst layer only " + format_number(100.0 * worst, 1) +
                    " % of tokens get the experts that the exact mask selects",
                "use --data with conversations like those in deployment, and run --check");
  }
}

RouterUpdate fit(const ExportSource& source, const Mask& mask, bool may_shift) {
  std::vector<Conversation> conversations;
  for (const std::string& path : source.data) {
    std::vector<Conversation> rows = read_conversations(path);
    conversations.insert(conversations.end(), rows.begin(), rows.end());
  }
  if (conversations.empty()) {
    say_warning("no_calibration_data",
                "no --data given; router inputs are learned from generic questions and "
                "from text the model generates",
                "add conversations like those in deployment: --data conversations.jsonl");
  }
  const auto host = source.model.open();
  require_same_model(mask, host->describe());
  const Steering steering{std::make_shared<const Mask>(mask), mask.alpha};
  ProgressLine line;
  report(line.callback(), {"read", 0, 1, "texts", ""});
  const std::vector<FitSample> samples =
      calibration_samples(*host, conversations, steering, {source.n_max_token, 48, source.seed});
  FitOptions options;
  options.may_shift = may_shift;
  options.rank = source.rank;
  options.n_max_token = source.n_max_token;
  return fit_router_update(
      *host, mask, static_cast<double>(mask.alpha), samples, options, line.callback());
}

}  // namespace

void ExportSource::add_to(CLI::App& command) {
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

RouterUpdate obtain_update(const ExportSource& source, const Mask& mask, bool may_shift) {
  if (mask.n_active() == 0 || mask.alpha == 0.0F) {
    throw Error(ErrorKind::kInsufficient,
                "[export] nothing to export, the mask is empty or its strength is 0",
                "set a strength: mask.gguf=1.0");
  }
  if (!source.adapter.empty()) {
    RouterUpdate update = read_lora(source.adapter);
    if (update.origin.mask_hash != hash_mask(mask)) {
      throw Error(ErrorKind::kMismatch,
                  "[export] " + source.adapter + " was made from another mask (" +
                      update.origin.scenario + ", " + update.origin.mask_hash.substr(0, 12) + ")",
                  "export an adapter from this mask first, or replace --adapter with -m");
    }
    update.origin.alpha = static_cast<double>(mask.alpha);
    return update;
  }
  if (!source.has_model()) {
    throw Error(ErrorKind::kUsage,
                "[export] neither -m nor --adapter was given; the fit needs the model",
                "add -m model.gguf, or --adapter with a previously exported mask.lora.gguf");
  }
  RouterUpdate update = fit(source, mask, may_shift);
  warn_of_poor_fit(update);
  return update;
}

void print_fit(const RouterUpdate& update) {
  std::cout << "block  method    rank  push/wanted (1 %, spread, 99 %)  same experts  overlap\n";
  for (const LayerUpdate& layer : update.layers) {
    const FitQuality& q = layer.quality;
    std::string method = layer.method;
    method.resize(8, ' ');
    std::string block = std::to_string(update.blocks[layer.i_layer]);
    block.insert(0, 5 - std::min<size_t>(5, block.size()), ' ');
    std::string rank = std::to_string(layer.rank);
    rank.insert(0, 4 - std::min<size_t>(4, rank.size()), ' ');
    std::cout << block << "  " << method << "  " << rank << "  " << format_number(q.ratio_low, 2)
              << "  " << format_number(q.ratio_spread, 3) << "  " << format_number(q.ratio_high, 2)
              << "                 " << format_number(q.same_experts, 4) << "        "
              << format_number(q.overlap, 4) << '\n';
  }
  std::cout << std::flush;
}

}  // namespace mascing::cli
