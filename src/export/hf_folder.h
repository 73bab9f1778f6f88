// Locates the routers in the safetensors files of a Hugging Face model folder. Only for the .cpp
// files of this folder.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "format/safetensors.h"

namespace mascing {

/// One tensor of one router.
struct HfTensor {
  std::string shard;  ///< file name within the folder
  std::string name;
};

struct HfRouter {
  HfTensor weight;
  HfTensor bias;  ///< empty name: none
};

struct HfFolder {
  std::string path;
  std::vector<std::string> shards;      ///< file names, in alphabetical order
  std::map<int64_t, HfRouter> routers;  ///< by block number
};

/// Reads model.safetensors.index.json, or model.safetensors where there is none, and the headers of
/// all shards. Throws Error{kBadInput} if the folder holds no safetensors model, the index is
/// malformed, names a shard that is missing or a tensor that is not in its shard, or a shard is
/// damaged.
[[nodiscard]] HfFolder open_hf_folder(const std::string& path);

/// "model.layers.7.mlp.gate.weight" -> block 7; -1 for other tensors, those of heads that predict
/// ahead ("mtp.") and of speech ("talker.") among them. Supports the
/// names of Qwen-MoE, Mixtral, Phi-MoE, gpt-oss, Hunyuan, DeepSeek, Llama 4, Granite, Jamba, DBRX,
/// OLMoE, Ernie, GLM, MiniMax and derived models. `is_bias` is set for bias tensors.
[[nodiscard]] int64_t router_block(const std::string& name, bool& is_bias);

}  // namespace mascing
