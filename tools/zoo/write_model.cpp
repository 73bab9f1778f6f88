// libllama makes a model from metadata alone and asks for each tensor's content: what it asks for
// is what an architecture has.
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include <ggml-backend.h>
#include <ggml.h>
#include <gguf.h>
#include <llama.h>

#include "base/random.h"
#include "base/work_folder.h"
#include "mascing/error.h"
#include "zoo.h"

namespace mascing {
namespace {

constexpr uint32_t kVocabulary = 96;

struct GgufDeleter {
  void operator()(gguf_context* context) const { gguf_free(context); }
};
struct ModelDeleter {
  void operator()(llama_model* model) const { llama_model_free(model); }
};
using GgufPointer = std::unique_ptr<gguf_context, GgufDeleter>;

/// What most architectures want to know; those that do not ask for a key ignore it.
ZooKeys shared_keys() {
  return {{"vocab_size", kVocabulary},
          {"context_length", 512U},
          {"embedding_length", 64U},
          {"block_count", 4U},
          {"feed_forward_length", 48U},
          {"attention.head_count", 4U},
          {"attention.head_count_kv", 2U},
          {"attention.layer_norm_epsilon", 1e-5F},
          {"attention.layer_norm_rms_epsilon", 1e-5F},
          {"rope.dimension_count", 16U},
          {"expert_count", 8U},
          {"expert_used_count", 2U},
          {"expert_feed_forward_length", 32U},
          {"expert_shared_feed_forward_length", 24U}};
}

struct SetValue {
  gguf_context* context;
  const char* key;

  void operator()(uint32_t value) const { gguf_set_val_u32(context, key, value); }
  void operator()(float value) const { gguf_set_val_f32(context, key, value); }
  void operator()(bool value) const { gguf_set_val_bool(context, key, value); }
  void operator()(const std::string& value) const { gguf_set_val_str(context, key, value.c_str()); }
  void operator()(const std::vector<uint32_t>& values) const {
    gguf_set_arr_data(context, key, GGUF_TYPE_UINT32, values.data(), values.size());
  }
  void operator()(const std::vector<uint64_t>& values) const {
    gguf_set_arr_data(context, key, GGUF_TYPE_UINT64, values.data(), values.size());
  }
  void operator()(const std::vector<float>& values) const {
    gguf_set_arr_data(context, key, GGUF_TYPE_FLOAT32, values.data(), values.size());
  }
};

/// libllama has a tokenizer for tests: five bytes are a token, a token's text is its number.
void set_vocabulary(gguf_context* context) {
  std::vector<std::string> texts;
  std::vector<const char*> tokens;
  for (uint32_t i = 0; i < kVocabulary; ++i) {
    texts.push_back("word_" + std::to_string(i));
  }
  for (const std::string& text : texts) {
    tokens.push_back(text.c_str());
  }
  const std::vector<float> scores(tokens.size(), 0.0F);
  gguf_set_val_str(context, "tokenizer.ggml.model", "test");
  gguf_set_arr_str(context, "tokenizer.ggml.tokens", tokens.data(), tokens.size());
  gguf_set_arr_data(
      context, "tokenizer.ggml.scores", GGUF_TYPE_FLOAT32, scores.data(), scores.size());
}

GgufPointer make_metadata(const ZooModel& model) {
  GgufPointer metadata(gguf_init_empty());
  gguf_set_val_str(metadata.get(), "general.architecture", model.architecture.c_str());
  gguf_set_val_str(metadata.get(), "general.name", ("zoo: " + model.name).c_str());
  for (const ZooKeys& keys : {shared_keys(), model.keys}) {
    for (const auto& [key, value] : keys) {
      const std::string name = model.architecture + "." + key;
      std::visit(SetValue{metadata.get(), name.c_str()}, value);
    }
  }
  set_vocabulary(metadata.get());
  return metadata;
}

bool ends_with_one_of(std::string_view name, const std::vector<std::string>& ends) {
  return std::any_of(
      ends.begin(), ends.end(), [&](const std::string& end) { return name.ends_with(end); });
}

/// A number for a tensor, given a standard normal one.
std::function<double(double)> scale_of(std::string_view name, const ggml_tensor* tensor) {
  const auto n_input = static_cast<double>(tensor->ne[0]);
  const bool is_vector = tensor->ne[1] == 1 && tensor->ne[2] == 1;
  const auto has = [&](std::string_view part) { return name.find(part) != std::string_view::npos; };
  if (has("ssm_a")) {
    return [](double z) { return -0.1 - std::fabs(z); };  // states must decay
  }
  if (name.ends_with("ffn_gate_inp.scale")) {
    return [n_input](double z) { return std::sqrt(n_input) * (1.0 + 0.1 * z); };
  }
  if (has("norm") || has("rope_f") || name.ends_with("scale") || has("ssm_d.")) {
    return [](double z) { return 1.0 + 0.1 * z; };
  }
  if (name.ends_with("ffn_gate_inp.weight")) {
    return [n_input](double z) { return 1.5 * z / std::sqrt(n_input); };
  }
  if (name.ends_with("ffn_gate_inp.bias")) {
    return [](double z) { return 0.5 * z; };
  }
  if (name.starts_with("token_embd")) {
    return [](double z) { return z; };
  }
  if (is_vector || name.ends_with("bias")) {
    return [](double z) { return 0.1 * z; };
  }
  return [n_input](double z) { return z / std::sqrt(n_input); };
}

struct Filler {
  uint64_t seed;
  int64_t n_expert;
  std::vector<ggml_tensor*> tensors;

  static void fill(ggml_tensor* tensor, void* self) { static_cast<Filler*>(self)->fill(tensor); }

  void fill(ggml_tensor* tensor) {
    uint64_t stream = seed;
    for (const char* c = tensor->name; *c != '\0'; ++c) {
      stream = mix_seed(stream, static_cast<unsigned char>(*c));
    }
    Rng rng(stream);
    const auto n = static_cast<size_t>(ggml_nelements(tensor));
    if (tensor->type == GGML_TYPE_I32) {
      std::vector<int32_t> values(n);
      for (int32_t& value : values) {
        value = static_cast<int32_t>(rng.below(n_expert));
      }
      ggml_backend_tensor_set(tensor, values.data(), 0, n * sizeof(int32_t));
    } else {
      const auto scale = scale_of(tensor->name, tensor);
      std::vector<float> values(n);
      for (float& value : values) {
        value = static_cast<float>(scale(rng.normal()));
      }
      ggml_backend_tensor_set(tensor, values.data(), 0, n * sizeof(float));
    }
    tensors.push_back(tensor);
  }
};

int64_t count_of(const gguf_context* metadata, const std::string& key) {
  const int64_t i_key = gguf_find_key(metadata, key.c_str());
  return i_key < 0 ? 0 : gguf_get_val_u32(metadata, i_key);
}

/// The type of a tensor can be told before there is one.
void declare_integers(gguf_context* metadata, const ZooModel& model) {
  const int64_t n_block = count_of(metadata, model.architecture + ".block_count");
  for (const std::string& end : model.integers) {
    for (int64_t b = 0; b < n_block; ++b) {
      ggml_tensor tensor{};
      tensor.type = GGML_TYPE_I32;
      std::fill(std::begin(tensor.ne), std::end(tensor.ne), 1);
      ggml_set_name(&tensor, ("blk." + std::to_string(b) + "." + end).c_str());
      gguf_add_tensor(metadata, &tensor);
    }
  }
}

}  // namespace

const ZooModel& zoo_model(const std::string& name) {
  const auto& all = zoo_models();
  const auto found = std::find_if(
      all.begin(), all.end(), [&](const ZooModel& model) { return model.name == name; });
  if (found == all.end()) {
    throw Error(
        ErrorKind::kUsage, "[zoo] there is no model '" + name + "'", "see mascing-zoo list");
  }
  return *found;
}

void write_zoo_model(const ZooModel& model, uint64_t seed, const std::string& path) {
  const GgufPointer metadata = make_metadata(model);
  Filler filler{seed, count_of(metadata.get(), model.architecture + ".expert_count"), {}};
  const GgufPointer asked = make_metadata(model);
  declare_integers(asked.get(), model);
  llama_model_params params = llama_model_default_params();
  params.n_gpu_layers = 0;
  const std::unique_ptr<llama_model, ModelDeleter> made(
      llama_model_init_from_user(asked.get(), Filler::fill, &filler, params));
  if (!made) {
    throw Error(ErrorKind::kHost, "[zoo] libllama does not make the model '" + model.name + "'");
  }
  std::set<std::string> names;
  for (const ggml_tensor* tensor : filler.tensors) {
    if (!ends_with_one_of(tensor->name, model.without) && names.insert(tensor->name).second) {
      gguf_add_tensor(metadata.get(), tensor);
    }
  }
  const WorkFolder folder(path, WorkPlace::kBeside);
  const std::string unfinished = folder.file("model.gguf");
  if (!gguf_write_to_file(metadata.get(), unfinished.c_str(), false)) {
    throw Error(ErrorKind::kSystem, "[zoo] cannot write " + path);
  }
  std::filesystem::rename(unfinished, path);
}

}  // namespace mascing
