#include "plain_side.h"

#include <algorithm>
#include <utility>

#include "mascing/error.h"

namespace mascing {

PlainSide::PlainSide(std::shared_ptr<const LoadedModel> model,
                     const LlamaHostOptions& options,
                     const std::string& adapter_path)
    : model_(std::move(model)),
      batch_(llama_batch_init(static_cast<int32_t>(options.n_batch), 0, 1)) {
  llama_model* weights = model_->weights.get();
  const int64_t n_train = llama_model_n_ctx_train(weights);
  llama_context_params params = llama_context_default_params();
  params.n_ctx = static_cast<uint32_t>(
      std::max<int64_t>(256, std::min(options.n_context, n_train * options.n_parallel)));
  params.n_batch = params.n_ubatch = static_cast<uint32_t>(options.n_batch);
  params.n_seq_max = static_cast<uint32_t>(options.n_parallel);
  params.n_threads = params.n_threads_batch = static_cast<int32_t>(options.n_thread);
  params.kv_unified = true;
  params.no_perf = true;
  context_.reset(llama_init_from_model(weights, params));
  if (!context_) {
    throw Error(ErrorKind::kHost, "[bench] libllama cannot open a context");
  }
  if (!adapter_path.empty()) {
    llama_adapter_lora* adapter = llama_adapter_lora_init(weights, adapter_path.c_str());
    float scale = 1.0F;
    if (adapter == nullptr || llama_set_adapters_lora(context_.get(), &adapter, 1, &scale) != 0) {
      throw Error(ErrorKind::kHost, "[bench] libllama refuses the adapter");
    }
  }
}

PlainSide::~PlainSide() {
  llama_batch_free(batch_);
}

void PlainSide::forget() {
  llama_memory_clear(llama_get_memory(context_.get()), false);  // as llama-bench does
}

void PlainSide::decode(const Batch& batch) {
  batch_.n_tokens = static_cast<int32_t>(batch.size());
  for (size_t i = 0; i < batch.size(); ++i) {
    batch_.token[i] = batch[i].token;
    batch_.pos[i] = static_cast<llama_pos>(batch[i].position);
    batch_.n_seq_id[i] = 1;
    batch_.seq_id[i][0] = batch[i].i_sequence;
    batch_.logits[i] = batch[i].is_output ? 1 : 0;
  }
  if (llama_decode(context_.get(), batch_) != 0) {
    throw Error(ErrorKind::kHost, "[bench] llama_decode failed");
  }
  llama_synchronize(context_.get());
}

}  // namespace mascing
