// Decodes a few tokens three times under a tap: unchanged, with each layer's most selected expert
// banned, and with it boosted. The graph then shows whether the selection follows.
#include "mascing/layer_probe.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <map>

#include <ggml-backend.h>
#include <ggml.h>

#include "host/llama/engine.h"
#include "mascing/error.h"

namespace mascing {
namespace {

constexpr const char* kChosenPrefix = "ffn_moe_topk-";
constexpr int64_t kTokens = 8;
constexpr float kPush = 100.0F;
constexpr uint16_t kUntouched = 0x7E01;  // a NaN that no conversion of a number gives

using Choices = std::map<int64_t, std::vector<int32_t>>;  ///< by block

class DryRun {
 public:
  explicit DryRun(const LoadedModel& model) : info_(model.info), tap_(model.info) {
    llama_context_params params = llama_context_default_params();
    params.n_ctx = 256;
    params.n_batch = params.n_ubatch = kTokens;
    params.kv_unified = true;
    params.no_perf = true;
    params.cb_eval = on_tensor;
    params.cb_eval_user_data = this;
    context_.reset(llama_init_from_model(model.weights.get(), params));
    if (!context_) {
      throw Error(ErrorKind::kHost, "[inspect] libllama cannot open a context for the dry run");
    }
    record_.resize(kTokens * info_.n_layer * info_.n_expert);
  }

  /// Returns the error of the tap, or nothing.
  std::string decode(const Steering& steering) {
    std::fill(record_.begin(), record_.end(), kUntouched);
    std::vector<TapColumn> columns(kTokens);
    std::vector<int32_t> outputs;
    llama_batch batch = llama_batch_init(kTokens, 0, 1);
    for (int32_t t = 0; t < kTokens; ++t) {
      columns[t].steering = steering.mask == nullptr ? nullptr : &steering;
      columns[t].record = record_.data() + t * info_.n_layer * info_.n_expert;
      outputs.push_back(t);
      batch.token[t] = to_int32((t * 37 + 11) % info_.n_vocab);
      batch.pos[t] = t;
      batch.n_seq_id[t] = 1;
      batch.seq_id[t][0] = 0;
      batch.logits[t] = 1;
    }
    batch.n_tokens = kTokens;
    tap_.plan(std::move(columns), std::move(outputs), false);
    choices_.clear();
    llama_memory_clear(llama_get_memory(context_.get()), true);
    const int32_t status = llama_decode(context_.get(), batch);
    llama_synchronize(context_.get());
    llama_batch_free(batch);
    if (status != 0) {
      return "libllama cannot decode";
    }
    try {
      tap_.finish();
    } catch (const Error& error) {
      return error.what();
    }
    return {};
  }

  [[nodiscard]] bool was_seen(int64_t i_layer) const {
    return record_[i_layer * info_.n_expert] != kUntouched;
  }
  [[nodiscard]] const Choices& choices() const { return choices_; }

 private:
  static bool on_tensor(ggml_tensor* tensor, bool ask, void* self) {
    auto* probe = static_cast<DryRun*>(self);
    const size_t n_prefix = std::strlen(kChosenPrefix);
    if (std::strncmp(tensor->name, kChosenPrefix, n_prefix) != 0) {
      return RouterTap::on_tensor(tensor, ask, &probe->tap_);
    }
    if (!ask) {
      probe->read(tensor, tensor->name + n_prefix);
    }
    return true;
  }

  void read(const ggml_tensor* tensor, const char* number) {
    int64_t block = -1;
    std::from_chars(number, number + std::strlen(number), block);
    std::vector<int32_t>& chosen = choices_[block];
    const int64_t n_row = tensor->ne[0];
    for (int64_t i = 0; i < tensor->ne[1]; ++i) {
      const size_t n_before = chosen.size();
      chosen.resize(n_before + n_row);
      ggml_backend_tensor_get(
          tensor, chosen.data() + n_before, i * tensor->nb[1], n_row * sizeof(int32_t));
    }
  }

  const ModelInfo& info_;
  RouterTap tap_;
  std::unique_ptr<llama_context, LlamaContextDeleter> context_;
  std::vector<uint16_t> record_;  ///< [token, L, E]
  Choices choices_;
};

int64_t count(const Choices& choices, int64_t block, int64_t expert) {
  const auto found = choices.find(block);
  return found == choices.end() ? 0
                                : std::count(found->second.begin(), found->second.end(), expert);
}

int64_t most_chosen(const Choices& choices, int64_t block, int64_t n_expert) {
  int64_t best = 0;
  for (int64_t e = 1; e < n_expert; ++e) {
    best = count(choices, block, e) > count(choices, block, best) ? e : best;
  }
  return best;
}

Steering push(const ModelInfo& info, const std::vector<int64_t>& experts, float value) {
  auto mask = std::make_shared<Mask>();
  mask->n_layer = info.n_layer;
  mask->n_expert = info.n_expert;
  mask->sigma_rule = SigmaRule::kCalibrated;
  mask->sigma.assign(info.n_layer, 1.0F);
  mask->steer.assign(info.n_layer * info.n_expert, 0.0F);
  for (int64_t l = 0; l < info.n_layer; ++l) {
    mask->row(l)[experts[l]] = value;
  }
  return {std::move(mask), 1.0F};
}

}  // namespace

std::vector<LayerProbe> probe_layers(const LlamaHostOptions& options) {
  const LoadedModel model(options);
  const ModelInfo& info = model.info;
  if (info.n_vocab <= 0) {
    throw Error(ErrorKind::kBadInput,
                "[inspect] the model states no vocabulary",
                "the file is damaged or no language model; download it again");
  }
  DryRun probe(model);
  std::vector<LayerProbe> layers(info.n_layer);
  const std::string complaint = probe.decode({});
  const Choices natural = probe.choices();
  std::vector<int64_t> experts;
  for (int64_t l = 0; l < info.n_layer; ++l) {
    layers[l].block = info.blocks[l];
    layers[l].is_traced = probe.was_seen(l);
    layers[l].reason = layers[l].is_traced ? "" : complaint;
    experts.push_back(most_chosen(natural, info.blocks[l], info.n_expert));
  }
  if (!complaint.empty()) {
    return layers;
  }
  std::string failure = probe.decode(push(info, experts, -kPush));
  const Choices banned = probe.choices();
  failure += probe.decode(push(info, experts, kPush));
  for (int64_t l = 0; l < info.n_layer; ++l) {
    const int64_t block = info.blocks[l];
    layers[l].is_steered = failure.empty() && count(banned, block, experts[l]) == 0 &&
                           count(probe.choices(), block, experts[l]) > 0;
    if (!layers[l].is_steered) {
      layers[l].reason =
          failure.empty() ? "expert selection does not follow the router logits" : failure;
    }
  }
  return layers;
}

}  // namespace mascing
