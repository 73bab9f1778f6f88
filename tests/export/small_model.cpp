// Numbers that tell their place.
#include "small_model.h"

#include <cstring>

#include "format/gguf.h"
#include "format/model_file.h"

namespace mascing {
namespace {

std::vector<float> ramp(size_t n, float first, float step) {
  std::vector<float> values(n);
  for (size_t i = 0; i < n; ++i) {
    values[i] = first + step * static_cast<float>(i);
  }
  return values;
}

void set_keys(GgufWriter& writer) {
  writer.set_string("general.architecture", "gpt-oss");
  writer.set_string("general.name", "tiny");
  writer.set_uint32("gpt-oss.block_count", 3);
  writer.set_uint32("gpt-oss.embedding_length", kSmallEmbd);
  writer.set_uint32("gpt-oss.context_length", 128);
  writer.set_uint32("gpt-oss.expert_count", kSmallExpert);
  writer.set_uint32("gpt-oss.expert_used_count", 1);
  writer.set_string_array("tokenizer.ggml.tokens", {"a", "b", "c"});
}

void add(GgufWriter& writer,
         const std::string& name,
         const std::vector<int64_t>& dims,
         const std::vector<float>& values) {
  writer.add_tensor_f32(name, dims, values.data());
}

void add_block_1(GgufWriter& writer, float first_weight) {
  add(writer,
      "blk.1.ffn_gate_inp.weight",
      {kSmallEmbd, kSmallExpert},
      ramp(12, first_weight, 0.25F));
  add(writer, "blk.1.ffn_norm.weight", {kSmallEmbd}, ramp(4, 7.0F, 1.0F));
  add(writer, "blk.1.ffn_gate_inp.bias", {kSmallExpert}, ramp(3, -1.0F, 1.0F));
}

void add_block_2(GgufWriter& writer) {
  add(writer, "blk.2.ffn_gate_inp.weight", {kSmallEmbd, kSmallExpert}, ramp(12, -2.0F, 0.5F));
  add(writer, "output.weight", {kSmallEmbd, 5}, ramp(20, 3.0F, -0.125F));
}

}  // namespace

void write_small_model(const std::string& path, float first_weight) {
  GgufWriter writer;
  set_keys(writer);
  add(writer, "token_embd.weight", {kSmallEmbd, 5}, ramp(20, 0.0F, 1.0F));
  add_block_1(writer, first_weight);
  add_block_2(writer);
  writer.write(path);
}

std::string write_split_model(const std::string& prefix) {
  GgufWriter first;
  set_keys(first);
  first.set_int("split.count", 2);
  first.set_int("split.no", 0);
  add(first, "token_embd.weight", {kSmallEmbd, 5}, ramp(20, 0.0F, 1.0F));
  first.write(prefix + "-00001-of-00002.gguf");
  GgufWriter second;
  second.set_int("split.count", 2);
  second.set_int("split.no", 1);
  add_block_1(second, 0.5F);
  add_block_2(second);
  second.write(prefix + "-00002-of-00002.gguf");
  return prefix + "-00001-of-00002.gguf";
}

Mask small_mask(const std::string& model) {
  const ModelInfo info = read_model_info(model);
  Mask mask = zero_mask(info);
  mask.steer = {1.0F, -1.0F, 0.0F, 0.5F, 0.0F, -0.25F};
  mask.sigma = {1.0F, 2.0F};
  mask.scenario = "guard-the-seal";
  mask.direction = "defend";
  return mask;
}

RouterUpdate small_update(const std::string& model) {
  const ModelInfo info = read_model_info(model);
  RouterUpdate update;
  update.n_layer = info.n_layer;
  update.n_expert = info.n_expert;
  update.n_embd = info.n_embd;
  update.blocks = info.blocks;
  update.origin = origin_of(small_mask(model), 0.5);
  LayerUpdate first;
  first.i_layer = 0;
  first.rank = 2;
  first.down = ramp(2 * kSmallEmbd, 1.0F, 0.5F);
  first.up = ramp(kSmallExpert * 2, -1.0F, 0.75F);
  first.method = "matrix";
  first.quality.same_experts = 0.96875;
  LayerUpdate second;
  second.i_layer = 1;
  second.rank = 1;
  second.down = ramp(kSmallEmbd, 2.0F, -0.5F);
  second.up = ramp(kSmallExpert, 0.5F, 0.25F);
  second.method = "spread";
  update.layers = {first, second};
  return update;
}

std::vector<float> tensor_values(const std::string& path, const std::string& name) {
  const GgufFile file = GgufFile::open(path);
  const GgufTensor* tensor = file.find_tensor(name);
  std::vector<float> values(tensor == nullptr ? 0 : tensor->size_bytes / sizeof(float));
  if (!values.empty()) {
    std::memcpy(values.data(), tensor->data, tensor->size_bytes);
  }
  return values;
}

}  // namespace mascing
