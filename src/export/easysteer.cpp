// The best two levels of a row are found by trying every border in its sorted values.
#include "export/easysteer.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <nlohmann/json.hpp>

#include "base/files.h"
#include "base/numeric.h"
#include "mascing/error.h"

namespace mascing {
namespace {

/// Splits one row: the smaller group is pushed by the difference of the groups' means.
EasySteerLayer two_levels(const float* row, int64_t n_expert, double alpha) {
  std::vector<int64_t> order(n_expert);
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(
      order.begin(), order.end(), [&](int64_t a, int64_t b) { return row[a] < row[b]; });
  const double total = std::accumulate(row, row + n_expert, 0.0);
  const double n = to_double(n_expert);
  double square = 0.0;
  for (int64_t e = 0; e < n_expert; ++e) {
    square += (row[e] - total / n) * (row[e] - total / n);
  }
  double best = -1.0;
  int64_t border = 0;
  double step = 0.0;
  double below = 0.0;
  for (int64_t i = 1; i < n_expert; ++i) {
    below += row[order[i - 1]];
    const double n_low = to_double(i);
    const double gap = (total - below) / (n - n_low) - below / n_low;
    const double between = n_low * (n - n_low) / n * gap * gap;
    if (between > best) {
      best = between;
      border = i;
      step = gap;
    }
  }
  EasySteerLayer layer;
  const bool is_low_smaller = 2 * border < n_expert;
  const auto middle = order.begin() + border;
  layer.experts = is_low_smaller ? std::vector<int64_t>(order.begin(), middle)
                                 : std::vector<int64_t>(middle, order.end());
  std::sort(layer.experts.begin(), layer.experts.end());
  layer.lambda = (is_low_smaller ? -step : step) * alpha * std::sqrt((n - 1.0) / n);
  layer.explained = square > 0.0 ? best / square : 0.0;
  return layer;
}

}  // namespace

std::vector<EasySteerLayer> easysteer_layers(const Mask& mask, double alpha) {
  std::vector<EasySteerLayer> layers;
  const std::vector<float> total = mask.total();
  if (mask.has_adapter()) {
    throw Error(ErrorKind::kUsage,
                "[easysteer] the mask is a router adapter, and EasySteer only adds constants",
                "export it with --to lora, peft, gguf or hf: these are exact");
  }
  for (int64_t l = 0; l < mask.n_layer; ++l) {
    const float* row = total.data() + l * mask.n_expert;
    const auto [low, high] = std::minmax_element(row, row + mask.n_expert);
    if (*low == *high) {
      continue;  // nothing, or the same for all experts: no effect
    }
    EasySteerLayer layer = two_levels(row, mask.n_expert, alpha);
    layer.i_layer = l;
    layers.push_back(std::move(layer));
  }
  return layers;
}

void write_easysteer(const std::string& path,
                     const Mask& mask,
                     const std::vector<EasySteerLayer>& layers) {
  if (layers.empty()) {
    throw Error(ErrorKind::kInsufficient, "[easysteer] nothing to export, the mask is empty");
  }
  nlohmann::json configs = nlohmann::json::object();
  for (const EasySteerLayer& layer : layers) {
    configs[std::to_string(mask.blocks[layer.i_layer])] = {
        {"mode", "soft"}, {"expert_ids", layer.experts}, {"lambda", layer.lambda}};
  }
  write_file_atomically(path, nlohmann::json{{"layer_configs", configs}}.dump(2) + "\n");
}

}  // namespace mascing
