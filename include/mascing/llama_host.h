// Opens a GGUF file as a Host through libllama.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "mascing/engine_options.h"
#include "mascing/host.h"
#include "mascing/template_options.h"
#include "mascing/tensor_codec.h"

namespace mascing {

/// A LoRA adapter (GGUF) that is always active, as in stock llama.cpp.
struct LlamaAdapter {
  std::string path = {};
  float scale = 1.0F;
};

struct LlamaHostOptions {
  std::string path = {};    ///< GGUF file; of a split model, its first part
  int64_t n_thread = 0;     ///< 0 = one per processor core; small models get one engine per thread
  int64_t n_parallel = 16;  ///< sequences processed in parallel
  int64_t n_batch = 512;    ///< maximum tokens per decode
  int64_t n_context =
      16384;  ///< cache cells shared by all sequences, capped at what the model can use
  int64_t n_gpu_layer = -1;  ///< blocks to offload if built with a GPU backend; -1 = all
  EngineOptions engine = {};
  bool allow_dense = false;  ///< also open models without routers, for use as a judge
  TemplateOptions chat_template = {};
  /// Of gradients: keys and values of 32-bit floats, as differences need them to be compared with;
  /// slower.
  bool has_full_precision = false;
  std::vector<LlamaAdapter> adapters = {};
  /// Asked while weights are read, which may take minutes; false: give up. Empty: go on.
  std::function<bool()> may_load = {};
};

/// Loads the model. The file is checked before libllama sees it. Throws Error{kBadInput} for a
/// missing, truncated or dense model, Error{kHost} if libllama cannot load it or one of the
/// adapters (the message includes its reason), Error{kInterrupted} if `may_load` says so.
[[nodiscard]] std::unique_ptr<Host> open_llama_host(const LlamaHostOptions& options);

/// libllama ends the process where it finds an impossible state, such as memory that ran out. It
/// calls `handler` first, from any thread; a program that wants its own last words prints them
/// there and leaves. Null brings back libllama's message.
void set_engine_abort_handler(void (*handler)(const char* message));

/// Codec for every tensor type that ggml can write without an importance matrix.
[[nodiscard]] const TensorCodec& ggml_codec();

}  // namespace mascing
