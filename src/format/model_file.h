// Reads the description of a model's routers from its GGUF file without loading the model.
#pragma once

#include <string>
#include <vector>

#include "format/gguf.h"
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

/// "-00001-of-00003.gguf", what the name of part `i_part` ends in.
[[nodiscard]] std::string split_suffix(int64_t i_part, int64_t n_part);

/// Where part `i_part` of `n_part` is, if the first part of the model is `path`: `path` itself for
/// a model in one part. Parts are named -00001-of-00003.gguf. Throws Error{kUsage} for a first part
/// that is not named so.
[[nodiscard]] std::string part_path(const std::string& path, int64_t i_part, int64_t n_part);

/// The files of the model whose first is `path`, by their names alone. Parts that are not there are
/// left out.
[[nodiscard]] std::vector<std::string> files_of_model(const std::string& path);

}  // namespace mascing
