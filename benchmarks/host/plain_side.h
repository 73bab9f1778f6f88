// llama.cpp alone: the same library, weights, parameters and batches, without a callback.
#pragma once

#include <memory>
#include <string>

#include "host/llama/engine.h"
#include "workload.h"

namespace mascing {

/// Parameters are those that an Engine opens its context with.
class PlainSide {
 public:
  /// Parameters are those that an Engine opens its context with. With the path of a LoRA adapter
  /// it runs under that; empty = none.
  PlainSide(std::shared_ptr<const LoadedModel> model,
            const LlamaHostOptions& options,
            const std::string& adapter_path);
  ~PlainSide();
  PlainSide(const PlainSide&) = delete;
  PlainSide& operator=(const PlainSide&) = delete;

  void forget();
  /// Returns when everything is computed.
  void decode(const Batch& batch);

 private:
  std::shared_ptr<const LoadedModel> model_;
  std::unique_ptr<llama_context, LlamaContextDeleter> context_;
  llama_batch batch_;
};

}  // namespace mascing
