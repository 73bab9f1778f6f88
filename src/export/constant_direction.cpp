// Collects router inputs in as few passes over the texts as memory allows, then fits each
// layer.
#include "export/constant_direction.h"

#include <algorithm>
#include <set>

#include "base/half.h"
#include "mascing/error.h"

namespace mascing {
namespace {

std::vector<int64_t> touched_layers(const Mask& mask) {
  std::vector<int64_t> layers;
  for (int64_t l = 0; l < mask.n_layer; ++l) {
    const float* row = mask.row(l);
    if (std::any_of(row, row + mask.n_expert, [](float s) { return s != 0.0F; })) {
      layers.push_back(l);
    }
  }
  return layers;
}

/// The texts to read. Every n-th group is held out.
struct Reading {
  std::vector<TraceRequest> requests;
  std::vector<bool> is_held_out;
  int64_t n_token = 0;
};

Reading choose_texts(const std::vector<FitSample>& samples, const FitOptions& options) {
  Reading reading;
  std::vector<int64_t> groups;
  for (const FitSample& sample : samples) {
    if (std::find(groups.begin(), groups.end(), sample.group) == groups.end()) {
      groups.push_back(sample.group);
    }
  }
  const auto every =
      std::max<int64_t>(2, static_cast<int64_t>(1.0 / std::max(options.held_out_share, 1e-6)));
  for (const FitSample& sample : samples) {
    const int64_t n = sample.request.span.size();
    if (reading.n_token + n > options.n_max_token && reading.n_token > 0) {
      continue;
    }
    const int64_t i_group = std::find(groups.begin(), groups.end(), sample.group) - groups.begin();
    reading.requests.push_back(sample.request);
    reading.is_held_out.push_back(i_group % every == every - 1);
    reading.n_token += n;
  }
  return reading;
}

/// Inputs of the given layers, one pass over the texts.
std::vector<RouterSamples> read_inputs(Host& host,
                                       const Reading& reading,
                                       const std::vector<int64_t>& layers) {
  const ModelInfo& info = host.describe();
  std::vector<RouterSamples> samples(layers.size());
  std::vector<int64_t> place(info.n_layer, -1);
  for (int64_t i = 0; i < std::ssize(layers); ++i) {
    samples[i].n_embd = info.n_embd;
    samples[i].n_expert = info.n_expert;
    samples[i].inputs.reserve(reading.n_token * info.n_embd);
    samples[i].logits.reserve(reading.n_token * info.n_expert);
    place[layers[i]] = i;
  }
  const RouterObserver keep = [&](const RouterView& view) {
    if (place[view.i_layer] < 0) {
      return;
    }
    RouterSamples& sample = samples[place[view.i_layer]];
    const auto n_before = sample.inputs.size();
    sample.inputs.resize(n_before + info.n_embd);
    to_half(view.input, sample.inputs.data() + n_before, info.n_embd);
    sample.logits.insert(sample.logits.end(), view.logits, view.logits + info.n_expert);
    sample.is_held_out.push_back(reading.is_held_out[view.i_request] ? 1 : 0);
    ++sample.n_token;
  };
  (void)host.observe(reading.requests, keep);  // texts that are too long are skipped
  return samples;
}

}  // namespace

RouterUpdate fit_router_update(Host& host,
                               const Mask& mask,
                               double alpha,
                               const std::vector<FitSample>& samples,
                               const FitOptions& options,
                               const Progress& progress) {
  const ModelInfo& info = host.describe();
  require_same_model(mask, info);
  RouterUpdate update;
  update.n_layer = info.n_layer;
  update.n_expert = info.n_expert;
  update.n_embd = info.n_embd;
  update.blocks = info.blocks;
  update.origin = origin_of(mask, alpha);
  const Reading reading = choose_texts(samples, options);
  const std::vector<int64_t> touched = touched_layers(mask);
  const int64_t layer_bytes =
      std::max<int64_t>(1, reading.n_token * (2 * info.n_embd + 4 * info.n_expert + 1));
  const int64_t n_at_once = std::max<int64_t>(1, options.n_max_byte / layer_bytes);
  const int64_t n_layer = std::ssize(touched);
  for (int64_t begin = 0; begin < n_layer; begin += n_at_once) {
    const int64_t end = std::min(n_layer, begin + n_at_once);
    const std::vector<int64_t> layers(touched.begin() + begin, touched.begin() + end);
    std::vector<RouterSamples> inputs = read_inputs(host, reading, layers);
    for (size_t i = 0; i < layers.size(); ++i) {
      FitOptions layer_options = options;
      layer_options.may_shift = options.may_shift && info.has_bias[layers[i]];
      update.layers.push_back(fit_layer(inputs[i], mask, layers[i], alpha, layer_options));
      inputs[i] = {};
      report(progress, {"fit", std::ssize(update.layers), n_layer, "layers", ""});
    }
  }
  return update;
}

}  // namespace mascing
