// EngineOptions as libllama's parameters: names are looked up, values checked, before anything is
// loaded.
#pragma once

#include <deque>
#include <string>
#include <vector>

#include <llama.h>

#include "mascing/engine_options.h"

namespace mascing {

/// How to load a model. Owns what the parameters point to; they are valid as long as it is. Throws
/// Error{kUsage} for names and values that do not exist, Error{kHost} for an rpc-server that
/// cannot be reached.
class LoadParams {
 public:
  explicit LoadParams(const EngineOptions& options);
  LoadParams(const LoadParams&) = delete;
  LoadParams& operator=(const LoadParams&) = delete;

  [[nodiscard]] const llama_model_params& get() const { return params_; }
  /// Whether there is a device beside the processor.
  [[nodiscard]] bool has_devices() const { return devices_.size() > 1; }

 private:
  void choose_devices(const EngineOptions& options);
  void override_buffers(const EngineOptions& options);
  void split(const EngineOptions& options);
  [[nodiscard]] std::string devices_text() const;

  llama_model_params params_;
  std::vector<ggml_backend_dev_t> remote_;   ///< of the rpc-servers
  std::vector<ggml_backend_dev_t> devices_;  ///< ends with null
  std::deque<std::string> patterns_;
  std::vector<llama_model_tensor_buft_override> overrides_;  ///< ends with null
  std::vector<float> shares_;
};

/// The parameters of weights as the file has them, in the processor's memory.
[[nodiscard]] llama_model_params plain_load_params(const EngineOptions& options);

/// Sets cache types and flash attention. Throws Error{kUsage}.
void set_context_options(const EngineOptions& options, llama_context_params& params);

}  // namespace mascing
