// A model's weights and what was read of it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <llama.h>

#include "host/llama/chat_prompt.h"
#include "mascing/llama_host.h"
#include "mascing/model_info.h"

namespace mascing {

struct LlamaModelDeleter {
  void operator()(llama_model* model) const { llama_model_free(model); }
};

/// Shared by all engines that run it.
struct LoadedModel {
  enum class Weights {
    kFast,   ///< rearranged for speed, or on devices, as `options` says
    kPlain,  ///< as the file has them, in the processor's memory, to be read row by row
  };

  /// Checks and loads the file of `options`. Throws Error{kBadInput}, Error{kHost}.
  explicit LoadedModel(const LlamaHostOptions& options);
  /// Loads a file that was checked before; `known` is what was read of it. Throws Error{kHost}.
  LoadedModel(const LlamaHostOptions& options, ModelInfo known, Weights form);

  ModelInfo info;
  std::unique_ptr<llama_model, LlamaModelDeleter> weights;
  std::unique_ptr<ChatPrompt> chat;
  std::vector<llama_adapter_lora*> adapters;  ///< owned by `weights`
  std::vector<float> scales;                  ///< of the adapters
  /// Whether all of a graph is computed by one backend. Where several share the work, the one that
  /// is stopped hands on what it has not computed, and the next may take that for numbers of
  /// experts.
  bool has_cpu_only = true;

  /// What several threads wait for each other at, or attention walks past, costs it more than what
  /// they share.
  [[nodiscard]] bool is_small() const { return info.size_bytes < kSmallModelBytes; }

 private:
  static constexpr int64_t kSmallModelBytes = int64_t{256} << 20;
};

/// What libllama has said of errors since the last call, in one line.
[[nodiscard]] std::string take_log_errors();

}  // namespace mascing
