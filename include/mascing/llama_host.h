// Opens a GGUF file as a Host through libllama.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "mascing/host.h"
#include "mascing/tensor_codec.h"

namespace mascing {

/// A LoRA adapter (GGUF) that the model runs with from the start, as in stock llama.cpp.
struct LlamaAdapter {
  std::string path = {};
  float scale = 1.0F;
};

struct LlamaHostOptions {
  std::string path = {};    ///< GGUF file; of a split model, its first part
  int64_t n_thread = 0;     ///< 0 = one per processor core; small models get one engine per thread
  int64_t n_parallel = 16;  ///< sequences processed at once
  int64_t n_batch = 512;    ///< tokens per decode, at most
  int64_t n_context =
      16384;  ///< cache cells shared by all sequences; never more than the model can use
  int64_t n_gpu_layer = -1;  ///< blocks to offload where a GPU backend is built in; -1 = all
  bool allow_dense = false;  ///< a model without routers may be opened, too: to judge, not to steer
  bool enable_thinking = false;  ///< passed to chat templates that know it
  std::vector<LlamaAdapter> adapters = {};
};

/// Loads the model. The file is checked before libllama sees it. Throws Error{kBadInput} for a
/// missing, truncated or dense model, Error{kHost} if libllama cannot load it or one of the
/// adapters (the message carries its reason).
[[nodiscard]] std::unique_ptr<Host> open_llama_host(const LlamaHostOptions& options);

/// Every tensor type that ggml can write without an importance matrix.
[[nodiscard]] const TensorCodec& ggml_codec();

}  // namespace mascing
