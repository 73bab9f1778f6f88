// Collects router inputs in as few passes over the texts as memory allows, then fits each
// layer.
#include "export/constant_direction.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <string>
#include <utility>

#include "base/half.h"
#include "mascing/error.h"

namespace mascing {
namespace {

std::vector<int64_t> touched_layers(const Mask& mask) {
  std::vector<int64_t> layers;
  for (int64_t l = 0; l < mask.n_layer; ++l) {
    if (!mask.is_zero(l)) {
      layers.push_back(l);
    }
  }
  return layers;
}

/// The texts to read. Every n-th group is held out.
struct Reading {
  std::vector<TraceRequest> requests;
  std::vector<bool> is_held_out;
  std::vector<int64_t> first_kept;  ///< of each request; kFirstTokens are kept besides
  int64_t n_token = 0;
};

/// Of fewer texts than one in `every`, the last is held out: what is fitted on cannot be measured
/// on.
void hold_out_one(const std::vector<int64_t>& groups, Reading& reading) {
  const int64_t n_group = std::ssize(std::set<int64_t>(groups.begin(), groups.end()));
  if (n_group < 2) {
    throw Error(ErrorKind::kInsufficient,
                "[export] conversations to fit on: " + std::to_string(n_group) +
                    ", expected at least 2, of which one is held out",
                "add calibration conversations (--data); 4 and more are sensible");
  }
  std::vector<bool>& is_held_out = reading.is_held_out;
  if (std::find(is_held_out.begin(), is_held_out.end(), true) == is_held_out.end()) {
    for (size_t i = 0; i < groups.size(); ++i) {
      is_held_out[i] = groups[i] == groups.back();
    }
  }
}

Reading choose_texts(const std::vector<FitSample>& samples, const FitOptions& options) {
  Reading reading;
  std::vector<int64_t> groups;
  for (const FitSample& sample : samples) {
    if (std::find(groups.begin(), groups.end(), sample.group) == groups.end()) {
      groups.push_back(sample.group);
    }
  }
  std::vector<int64_t> read_groups;
  const auto every =
      std::max<int64_t>(2, static_cast<int64_t>(1.0 / std::max(options.held_out_share, 1e-6)));
  for (const FitSample& sample : samples) {
    const int64_t n_token = sample.request.span.size();
    const int64_t n = std::min(n_token, longest_part(options.n_max_token));
    if (reading.n_token + n > options.n_max_token && reading.n_token > 0) {
      continue;
    }
    const int64_t i_group = std::find(groups.begin(), groups.end(), sample.group) - groups.begin();
    reading.requests.push_back(sample.request);
    reading.is_held_out.push_back(i_group % every == every - 1);
    reading.first_kept.push_back(n == n_token ? 0 : n_token - n + kFirstTokens);
    reading.n_token += n;
    read_groups.push_back(i_group);
  }
  hold_out_one(read_groups, reading);
  return reading;
}

bool fits_half(const float* values, int64_t n) {
  constexpr float kLargestHalf = 65504.0F;
  return std::all_of(values, values + n, [](float x) { return std::fabs(x) <= kLargestHalf; });
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
    const bool is_kept =
        view.i_token < kFirstTokens || view.i_token >= reading.first_kept[view.i_request];
    if (place[view.i_layer] < 0 || !is_kept) {
      return;
    }
    if (!fits_half(view.input, info.n_embd)) {
      throw Error(ErrorKind::kInsufficient,
                  "[export] inputs of the router of layer " + std::to_string(view.i_layer) +
                      " are beyond 65504, the most that the fit can hold",
                  "this model's routers cannot be fitted; use the mask as it is (mascing chat)");
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

/// Layers whose inputs are in memory at once, beside one layer's fit.
int64_t layers_at_once(const Reading& reading, const ModelInfo& info, const FitOptions& options) {
  const int64_t layer_bytes =
      std::max<int64_t>(1, reading.n_token * (2 * info.n_embd + 4 * info.n_expert + 1));
  const int64_t free_bytes =
      options.n_max_byte - fit_bytes(reading.n_token, info.n_embd, info.n_expert);
  return std::max<int64_t>(1, free_bytes / layer_bytes);
}

std::string forecast(const Reading& reading,
                     const ModelInfo& info,
                     const FitOptions& options,
                     int64_t n_layer) {
  const int64_t n_at_once = std::min(n_layer, layers_at_once(reading, info, options));
  const int64_t n_pass = (n_layer + n_at_once - 1) / std::max<int64_t>(1, n_at_once);
  const int64_t n_byte = n_at_once * reading.n_token * (2 * info.n_embd + 4 * info.n_expert) +
                         fit_bytes(reading.n_token, info.n_embd, info.n_expert);
  return std::to_string(reading.n_token) + " tokens, " + std::to_string(n_pass) +
         (n_pass == 1 ? " pass, " : " passes, ") + std::to_string(n_byte >> 20) +
         " MiB beside the model, " + std::to_string(options.n_thread) + " threads";
}

}  // namespace

int64_t longest_part(int64_t n_max_token) {
  constexpr int64_t kShare = 32;
  constexpr int64_t kLeast = 256;
  return std::max(kLeast, n_max_token / kShare);
}

RouterUpdate fit_router_update(Host& host,
                               const Mask& mask,
                               double alpha,
                               const std::vector<FitSample>& samples,
                               const FitOptions& options,
                               const Progress& progress) {
  const ModelInfo& info = host.describe();
  require_same_model(mask, info);
  RouterUpdate update = start_update(mask, info.n_embd, alpha);
  const Reading reading = choose_texts(samples, options);
  const std::vector<int64_t> touched = touched_layers(mask);
  const int64_t n_at_once = layers_at_once(reading, info, options);
  const int64_t n_layer = std::ssize(touched);
  report(progress, {"fit", 0, n_layer, "layers", forecast(reading, info, options, n_layer)});
  for (int64_t begin = 0; begin < n_layer; begin += n_at_once) {
    const int64_t end = std::min(n_layer, begin + n_at_once);
    const std::vector<int64_t> layers(touched.begin() + begin, touched.begin() + end);
    std::vector<RouterSamples> inputs = read_inputs(host, reading, layers);
    for (size_t i = 0; i < layers.size(); ++i) {
      FitOptions layer_options = options;
      layer_options.may_shift = options.may_shift && info.has_bias[layers[i]];
      update.layers.push_back(
          fit_layer(std::move(inputs[i]), mask, layers[i], alpha, layer_options));
      report(progress, {"fit", std::ssize(update.layers), n_layer, "layers", ""});
    }
  }
  return update;
}

}  // namespace mascing
