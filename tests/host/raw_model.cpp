// Opens a context of its own and copies the tensors it is asked about.
#include "raw_model.h"

#include <cstring>
#include <stdexcept>

#include <ggml-backend.h>
#include <ggml.h>

namespace mascing {
namespace {

bool is_watched(const char* name) {
  for (const char* prefix : {"ffn_moe_logits-", "ffn_moe_probs-", "ffn_moe_topk-", "l_out-"}) {
    if (std::strncmp(name, prefix, std::strlen(prefix)) == 0) {
      return true;
    }
  }
  return false;
}

/// Rows of a matrix that may be a view with gaps between them.
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

RawModel::RawModel(const LlamaHostOptions& options, Callback callback, RouterTap* tap) : tap_(tap) {
  model_.reset(llama_model_load_from_file(options.path.c_str(), llama_model_default_params()));
  if (!model_) {
    throw std::runtime_error("the test cannot load " + options.path);
  }
  const int64_t n_train = llama_model_n_ctx_train(model_.get());
  llama_context_params params = llama_context_default_params();
  params.n_ctx = static_cast<uint32_t>(std::min(options.n_context, n_train * options.n_parallel));
  params.n_batch = params.n_ubatch = static_cast<uint32_t>(options.n_batch);
  params.n_seq_max = static_cast<uint32_t>(options.n_parallel);
  params.n_threads = params.n_threads_batch = 1;
  params.kv_unified = true;
  params.no_perf = true;
  if (callback == Callback::kObserve) {
    params.cb_eval = on_tensor;
    params.cb_eval_user_data = this;
  }
  context_.reset(llama_init_from_model(model_.get(), params));
  if (!context_) {
    throw std::runtime_error("the test cannot open a context");
  }
}

bool RawModel::on_tensor(ggml_tensor* tensor, bool ask, void* self) {
  auto* raw = static_cast<RawModel*>(self);
  const bool tap_says = raw->tap_ == nullptr || RouterTap::on_tensor(tensor, ask, raw->tap_);
  if (!is_watched(tensor->name)) {
    return raw->tap_ == nullptr ? !ask : tap_says;
  }
  if (!ask) {
    raw->observe(tensor);
  }
  return ask || tap_says;
}

void RawModel::observe(const ggml_tensor* tensor) {
  Observation& seen = seen_[tensor->name];
  seen.n_row_value = tensor->ne[0];
  if (tensor->type == GGML_TYPE_I32) {
    seen.picks = read_rows<int32_t>(tensor);
  } else {
    seen.values = read_rows<float>(tensor);
  }
}

void RawModel::run(const std::vector<int32_t>& tokens,
                   const std::vector<bool>& output,
                   int64_t position) {
  llama_batch batch = llama_batch_init(static_cast<int32_t>(tokens.size()), 0, 1);
  for (size_t i = 0; i < tokens.size(); ++i) {
    batch.token[i] = tokens[i];
    batch.pos[i] = static_cast<llama_pos>(position + static_cast<int64_t>(i));
    batch.n_seq_id[i] = 1;
    batch.seq_id[i][0] = 0;
    batch.logits[i] = output[i] ? 1 : 0;
  }
  batch.n_tokens = static_cast<int32_t>(tokens.size());
  seen_.clear();
  const int32_t status = llama_decode(context_.get(), batch);
  llama_synchronize(context_.get());
  llama_batch_free(batch);
  if (status != 0) {
    throw std::runtime_error("llama_decode gave " + std::to_string(status));
  }
}

void RawModel::decode(const std::vector<int32_t>& tokens, const std::vector<bool>& output) {
  llama_memory_clear(llama_get_memory(context_.get()), true);
  run(tokens, output, 0);
}

void RawModel::decode_next(int32_t token, int64_t position) {
  run({token}, {true}, position);
}

const float* RawModel::logits(int64_t i) const {
  return llama_get_logits_ith(context_.get(), static_cast<int32_t>(i));
}

void RawModel::set_control_vector(const ControlVector& control) {
  const auto last = static_cast<int32_t>(control.n_block) - 1;
  const int32_t status = llama_set_adapter_cvec(context_.get(),
                                                control.row(1),
                                                static_cast<size_t>(last * control.n_embd),
                                                static_cast<int32_t>(control.n_embd),
                                                1,
                                                last);
  if (status != 0) {
    throw std::runtime_error("libllama refuses the control vector");
  }
}

int64_t RawModel::n_vocab() const {
  return llama_vocab_n_tokens(llama_model_get_vocab(model_.get()));
}

}  // namespace mascing
