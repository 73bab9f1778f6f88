// Reads the description of a model's routers from its GGUF file without loading the model.
#pragma once

#include <string>
#include <vector>

#include "format/gguf.h"
#include "format/model_parts.h"
#include "mascing/model_info.h"

namespace mascing {

/// The tensors of one MoE layer's router, and the part of the model they are in.
struct RouterTensors {
  int64_t i_part = 0;
  const GgufTensor* weight = nullptr;  ///< {D, E}
  const GgufTensor* bias = nullptr;    ///< {E}, null where the router has none
};

/// A model's description together with its mapped parts.
struct OpenModel {
  ModelInfo info;
  std::vector<GgufFile> parts;         ///< one, unless the model is split
  std::vector<RouterTensors> routers;  ///< [L]; the pointers lead into `parts`
};

/// As read_model_info, but keeps the files open.
[[nodiscard]] OpenModel open_model(const std::string& path,
                                   bool allow_dense = false,
                                   const TensorCodec* codec = nullptr);

}  // namespace mascing
