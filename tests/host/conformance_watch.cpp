#include "conformance_watch.h"

#include <stdexcept>
#include <string_view>

#include <ggml-backend.h>
#include <ggml.h>

namespace mascing {
namespace {

constexpr std::string_view kProduct = "ffn_moe_logits-";
constexpr std::string_view kBiased = "ffn_moe_logits_biased-";
constexpr std::string_view kWeights = "ffn_moe_probs-";
constexpr std::string_view kChosen = "ffn_moe_topk-";

// The softmax of gpt-oss comes after the choice: its "probabilities" are the logits themselves.
bool is_renamed(const ggml_tensor* tensor) {
  return std::string_view(tensor->name).starts_with(kWeights) && tensor->op == GGML_OP_ADD;
}

bool is_watched(const ggml_tensor* tensor) {
  const std::string_view name = tensor->name;
  return name.starts_with(kProduct) || name.starts_with(kBiased) || name.starts_with(kChosen) ||
         is_renamed(tensor);
}

template <typename T>
std::vector<T> read_rows(const ggml_tensor* tensor) {
  const auto n_value = static_cast<size_t>(tensor->ne[0]);
  std::vector<T> values(n_value * static_cast<size_t>(tensor->ne[1]));
  for (int64_t i = 0; i < tensor->ne[1]; ++i) {
    ggml_backend_tensor_get(tensor,
                            values.data() + i * tensor->ne[0],
                            static_cast<size_t>(i) * tensor->nb[1],
                            n_value * sizeof(T));
  }
  return values;
}

}  // namespace

WatchedModel::WatchedModel(std::shared_ptr<const LoadedModel> model,
                           RouterTap* tap,
                           bool is_watching)
    : model_(std::move(model)), tap_(tap) {
  llama_context_params params = llama_context_default_params();
  params.n_ctx = 256;
  params.n_batch = params.n_ubatch = 256;
  params.n_threads = params.n_threads_batch = 1;
  params.kv_unified = true;
  params.no_perf = true;
  if (is_watching) {
    params.cb_eval = on_tensor;
    params.cb_eval_user_data = this;
  }
  context_.reset(llama_init_from_model(model_->weights.get(), params));
  if (!context_) {
    throw std::runtime_error("the test cannot open a context");
  }
}

bool WatchedModel::on_tensor(ggml_tensor* tensor, bool ask, void* self) {
  auto* watched = static_cast<WatchedModel*>(self);
  const bool tap_says =
      watched->tap_ == nullptr ? !ask : RouterTap::on_tensor(tensor, ask, watched->tap_);
  if (!is_watched(tensor)) {
    return tap_says;
  }
  if (!ask) {
    watched->watch(tensor);
  }
  return ask || tap_says;
}

void WatchedModel::watch(const ggml_tensor* tensor) {
  const std::string_view name = tensor->name;
  const int64_t block = std::stoll(std::string(name.substr(name.rfind('-') + 1)));
  RouterWatch& router = seen_[block];
  if (name.starts_with(kChosen)) {
    if (router.chosen.empty()) {  // grovemoe chooses twice from the same logits
      router.n_used = tensor->ne[0];
      router.chosen = read_rows<int32_t>(tensor);
    }
    return;
  }
  router.n_expert = tensor->ne[0];
  router.logits = read_rows<float>(tensor);
  router.is_biased = name.starts_with(kBiased) || is_renamed(tensor);
  if (!router.is_biased) {
    router.product = router.logits;
    if (tensor->op != GGML_OP_MUL_MAT) {
      throw std::runtime_error("a router is no plain product");
    }
    router.n_embd = tensor->src[1]->ne[0];
    router.input = read_rows<float>(tensor->src[1]);
  }
}

void WatchedModel::decode(const std::vector<int32_t>& tokens) {
  llama_memory_clear(llama_get_memory(context_.get()), true);
  llama_batch batch = llama_batch_init(static_cast<int32_t>(tokens.size()), 0, 1);
  for (size_t i = 0; i < tokens.size(); ++i) {
    batch.token[i] = tokens[i];
    batch.pos[i] = static_cast<llama_pos>(i);
    batch.n_seq_id[i] = 1;
    batch.seq_id[i][0] = 0;
    batch.logits[i] = 1;
  }
  batch.n_tokens = static_cast<int32_t>(tokens.size());
  n_token_ = batch.n_tokens;
  seen_.clear();
  const int32_t status = llama_decode(context_.get(), batch);
  llama_synchronize(context_.get());
  llama_batch_free(batch);
  if (status != 0) {
    throw std::runtime_error("llama_decode gave " + std::to_string(status));
  }
}

std::vector<float> WatchedModel::outputs() const {
  const auto n_vocab = llama_vocab_n_tokens(llama_model_get_vocab(llama_get_model(context_.get())));
  std::vector<float> values;
  for (int64_t i = 0; i < n_token_; ++i) {
    const float* row = llama_get_logits_ith(context_.get(), static_cast<int32_t>(i));
    values.insert(values.end(), row, row + n_vocab);
  }
  return values;
}

}  // namespace mascing
