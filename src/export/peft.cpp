// The adapter's files, as https://huggingface.co/docs/peft/developer_guides/checkpoint has them:
//   adapter_model.safetensors   base_model.model.<module>.lora_A.weight F32 [R, D] = down,
//                               base_model.model.<module>.lora_B.weight F32 [E, R] = strength * up
//   adapter_config.json         peft_type LORA, r = lora_alpha = R, and the modules by their names
// <module> is the router's, e.g. model.layers.7.mlp.gate. gpt-oss keeps its router's weight as a
// bare parameter, which PEFT lists under target_parameters instead of target_modules.
#include "export/peft.h"

#include <filesystem>
#include <map>
#include <string_view>

#include <nlohmann/json.hpp>

#include "base/files.h"
#include "base/numeric.h"
#include "base/sha256.h"
#include "base/text.h"
#include "export/hf_patches.h"
#include "export/unfinished_folder.h"
#include "format/json_text.h"
#include "format/safetensors.h"
#include "mascing/error.h"

namespace mascing {
namespace {

using nlohmann::json;

constexpr const char* kWeightEnding = ".weight";
constexpr const char* kBareArchitecture = "gpt-oss";
constexpr std::string_view kOurKeys = "mascing.";
constexpr const char* kBaseModel = "base_model_name_or_path";
constexpr const char* kTensorsKey = "mascing.tensors_hash";  // of all tensors, by name
constexpr const char* kConfigKey = "mascing.config_hash";    // of the other file

/// The matrices of one router, [R, D] and [E, R].
struct PeftLayer {
  std::string module;
  std::vector<float> down;
  std::vector<float> up;
};

PeftLayer layer_of(const std::string& weight,
                   const LayerUpdate& layer,
                   const RouterUpdate& update,
                   int64_t rank) {
  PeftLayer made;
  made.module = weight.substr(0, weight.size() - std::string(kWeightEnding).size());
  made.down = layer.down;
  made.down.resize(rank * update.n_embd, 0.0F);
  made.up.assign(update.n_expert * rank, 0.0F);
  for (int64_t e = 0; e < update.n_expert; ++e) {
    for (int64_t r = 0; r < layer.rank; ++r) {
      made.up[e * rank + r] = to_float(update.origin.alpha * double{layer.up[e * layer.rank + r]});
    }
  }
  return made;
}

/// Also of ".", which says nothing elsewhere.
std::string name_of_folder(const std::string& folder) {
  const std::filesystem::path whole = std::filesystem::absolute(folder + "/").lexically_normal();
  return whole.parent_path().filename().string();
}

json config_of(const std::string& folder,
               const std::vector<PeftLayer>& layers,
               const RouterUpdate& update,
               int64_t rank) {
  const bool is_bare = update.origin.architecture == kBareArchitecture;
  json modules = json::array();
  json parameters = json::array();
  for (const PeftLayer& layer : layers) {
    (is_bare ? parameters : modules).push_back(layer.module + (is_bare ? kWeightEnding : ""));
  }
  json config = {{"peft_type", "LORA"},
                 {"task_type", "CAUSAL_LM"},
                 {kBaseModel, name_of_folder(folder)},
                 {"r", rank},
                 {"lora_alpha", rank},
                 {"lora_dropout", 0.0},
                 {"bias", "none"},
                 {"fan_in_fan_out", false},
                 {"inference_mode", true},
                 {"use_rslora", false},
                 {"use_dora", false},
                 {"modules_to_save", nullptr},
                 {"target_modules", modules}};
  if (is_bare) {
    config["target_parameters"] = parameters;
  }
  return config;
}

/// By name.
using TensorBytes = std::map<std::string, std::string_view>;

std::string hash_tensors(const TensorBytes& tensors) {
  Sha256 digest;
  for (const auto& [name, bytes] : tensors) {
    digest.update(name + '\n');
    digest.update(bytes);
  }
  return digest.hex();
}

/// But for the name of the base model, which users set to the one on the hub.
std::string hash_config(const std::string& text) {
  json config = parse_json_or_discard(text);
  if (config.is_object()) {
    config.erase(kBaseModel);
  }
  return sha256_hex(config.dump(-1, ' ', false, json::error_handler_t::replace));
}

void write_tensors(const std::string& path,
                   const std::vector<PeftLayer>& layers,
                   const RouterUpdate& update,
                   int64_t rank,
                   const std::string& config) {
  std::vector<SafetensorsEntry> entries;
  TensorBytes tensors;
  const auto add = [&](const std::string& name,
                       const std::vector<int64_t>& shape,
                       const std::vector<float>& values) {
    const size_t n_byte = values.size() * sizeof(float);
    entries.push_back({name, "F32", shape, values.data(), n_byte});
    tensors[name] = {reinterpret_cast<const char*>(values.data()), n_byte};
  };
  for (const PeftLayer& layer : layers) {
    const std::string prefix = "base_model.model." + layer.module;
    add(prefix + ".lora_A.weight", {rank, update.n_embd}, layer.down);
    add(prefix + ".lora_B.weight", {update.n_expert, rank}, layer.up);
  }
  const UpdateOrigin& origin = update.origin;
  write_safetensors(path,
                    entries,
                    {{"format", "pt"},
                     {kTensorsKey, hash_tensors(tensors)},
                     {kConfigKey, hash_config(config)},
                     {"mascing.tool_version", origin.tool_version},
                     {"mascing.mask_hash", origin.mask_hash},
                     {"mascing.scenario", origin.scenario},
                     {"mascing.direction", origin.direction},
                     {"mascing.model_name", origin.model_name},
                     {"mascing.fingerprint", origin.fingerprint},
                     {"mascing.alpha", format_number(origin.alpha, 6)}});
}

}  // namespace

void write_peft(const std::string& folder,
                const std::string& output,
                const RouterUpdate& update,
                bool any_model) {
  const HfShards shards = open_fitting(folder, update, any_model);
  const int64_t rank = largest_rank(update);
  if (rank == 0) {
    throw Error(ErrorKind::kUsage,
                "[peft] nothing to export, the mask is empty",
                "set a strength: mask.gguf=1.0");
  }
  std::vector<PeftLayer> layers;
  for (const LayerUpdate& layer : update.layers) {
    const HfRouter& router = shards.folder.routers.at(update.blocks[layer.i_layer]);
    layers.push_back(layer_of(router.weight.name, layer, update, rank));
  }
  UnfinishedFolder unfinished(output);
  const std::string config =
      config_of(folder, layers, update, rank).dump(2, ' ', false, json::error_handler_t::replace) +
      "\n";
  write_tensors(unfinished.file(kPeftTensors), layers, update, rank, config);
  write_file_atomically(unfinished.file(kPeftConfig), config);
  unfinished.finish();
}

PeftRecord describe_peft(const std::string& folder) {
  PeftRecord record;
  if (!file_exists(folder + "/" + kPeftConfig) || !file_exists(folder + "/" + kPeftTensors)) {
    return record;
  }
  const SafetensorsFile file = SafetensorsFile::open(folder + "/" + kPeftTensors);
  std::map<std::string, std::string> ours;
  for (const auto& [key, value] : file.metadata()) {
    if (key.starts_with(kOurKeys)) {
      ours[key] = value;
      record.lines.push_back(printable(key.substr(kOurKeys.size())) + "  " + printable(value, 200));
    }
  }
  if (!ours.contains(kTensorsKey)) {
    return record;  // not ours, or of an earlier version
  }
  TensorBytes tensors;
  for (const SafetensorsTensor& tensor : file.tensors()) {
    tensors[tensor.name] = {reinterpret_cast<const char*>(tensor.data), tensor.size_bytes};
  }
  const std::string config = read_text_file(folder + "/" + kPeftConfig);
  record.is_checked = true;
  record.changed = hash_tensors(tensors) != ours[kTensorsKey] ? kPeftTensors
                   : hash_config(config) != ours[kConfigKey]  ? kPeftConfig
                                                              : "";
  return record;
}

}  // namespace mascing
