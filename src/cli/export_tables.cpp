// Columns are padded by hand: names and numbers of a table have few widths.
#include "cli/export_tables.h"

#include <iostream>

#include "base/text.h"
#include "export/bake_gguf.h"

namespace mascing::cli {
namespace {

std::string right_aligned(int64_t number, size_t width) {
  std::string text = std::to_string(number);
  text.insert(0, width - std::min(width, text.size()), ' ');
  return text;
}

}  // namespace

void print_fit(const std::vector<LayerFit>& layers) {
  std::cout << "block  method    rank  push/wanted (1 %, spread, 99 %)  same experts  overlap\n";
  for (const LayerFit& layer : layers) {
    const FitQuality& q = layer.quality;
    std::string method = layer.method;
    method.resize(8, ' ');
    std::cout << right_aligned(layer.block, 5) << "  " << method << "  "
              << right_aligned(layer.rank, 4) << "  ";
    if (q.n_token == 0 && layer.method != "adapter") {
      std::cout << "not measured at this strength\n";
      continue;
    }
    std::cout << format_number(q.ratio_low, 2) << "  " << format_number(q.ratio_spread, 3) << "  "
              << format_number(q.ratio_high, 2) << "                 "
              << format_number(q.same_experts, 4) << "        " << format_number(q.overlap, 4)
              << '\n';
  }
  std::cout << std::flush;
}

void print_check(const ExportResult& check) {
  if (check.n_token == 0) {
    return;
  }
  std::cout << "exact mask vs. exported form, " << counted(check.n_token, "token") << " of "
            << counted(check.n_reply, "conversation") << ":\n";
  for (size_t l = 0; l < check.same_experts.size() && l < check.blocks.size(); ++l) {
    std::cout << "  block " << check.blocks[l] << "  same experts "
              << format_number(check.same_experts[l], 4) << "  overlap "
              << format_number(check.overlap[l], 4) << '\n';
  }
  std::cout << "  KL per token " << format_number(check.divergence, 5)
            << " nats (unsteered model: " << format_number(check.divergence_unsteered, 5) << ")\n"
            << "  replies changed " << check.n_reply_changed << " of " << check.n_reply
            << ", refusal decisions changed " << check.n_decision_changed << '\n'
            << std::flush;
}

void print_losses(const std::vector<RoundingLoss>& losses) {
  const RoundingLoss worst = largest_loss(losses);
  std::cout << "rounding to " << worst.type << " loses at most "
            << format_number(100.0 * worst.loss, 2) << " % of a router's change\n";
}

void print_two_levels(const std::vector<EasySteerLayer>& layers, const Mask& mask) {
  std::cout << "block  experts  lambda   variance kept\n";
  for (const EasySteerLayer& layer : layers) {
    std::cout << mask.blocks[layer.i_layer] << "      " << layer.experts.size() << "        "
              << format_number(layer.lambda, 3) << "   " << format_number(layer.explained, 3)
              << '\n';
  }
}

}  // namespace mascing::cli
