// Hyper-parameters from the models' published configurations (config.json on their pages).
#include <algorithm>
#include <cctype>

#include "mascing/error.h"
#include "shape.h"

namespace mascing {
namespace {

ModelShape olmoe() {
  ModelShape s{.name = "OLMoE-1B-7B", .architecture = "olmoe", .n_layer = 16, .n_embd = 2048};
  s.n_head = s.n_head_kv = 16;
  s.n_head_dim = 128;
  s.n_expert = 64;
  s.n_expert_used = 8;
  s.n_ff_expert = s.n_ff_dense = 1024;
  s.n_vocab = 50304;
  s.n_context = 4096;
  s.norm_epsilon = 1e-5;
  s.qk_norm = QkNorm::kWhole;
  return s;
}

ModelShape qwen15() {
  ModelShape s{
      .name = "Qwen1.5-MoE-A2.7B", .architecture = "qwen2moe", .n_layer = 24, .n_embd = 2048};
  s.n_head = s.n_head_kv = 16;
  s.n_head_dim = 128;
  s.n_expert = 60;
  s.n_expert_used = 4;
  s.n_ff_expert = 1408;
  s.n_ff_dense = s.n_ff_shared = 5632;
  s.n_vocab = 151936;
  s.n_context = 8192;
  s.rope_base = 1e6;
  s.has_qkv_bias = s.has_shared_gate = true;
  return s;
}

ModelShape qwen3() {
  ModelShape s{.name = "Qwen3-30B-A3B", .architecture = "qwen3moe", .n_layer = 48, .n_embd = 2048};
  s.n_head = 32;
  s.n_head_kv = 4;
  s.n_head_dim = 128;
  s.n_expert = 128;
  s.n_expert_used = 8;
  s.n_ff_expert = 768;
  s.n_ff_dense = 6144;
  s.n_vocab = 151936;
  s.n_context = 262144;
  s.rope_base = 1e7;
  s.qk_norm = QkNorm::kHead;
  return s;
}

ModelShape phi35() {
  ModelShape s{.name = "Phi-3.5-MoE", .architecture = "phimoe", .n_layer = 32, .n_embd = 4096};
  s.n_head = 32;
  s.n_head_kv = 8;
  s.n_head_dim = 128;
  s.n_expert = 16;
  s.n_expert_used = 2;
  s.n_ff_expert = s.n_ff_dense = 6400;
  s.n_vocab = 32064;
  s.n_context = 131072;
  s.norm_epsilon = 1e-5;
  s.has_norm_bias = s.has_qkv_bias = s.has_attention_bias = s.has_head_bias = true;
  s.has_rope_factors = true;
  s.n_context_original = 4096;
  return s;
}

ModelShape mixtral() {
  ModelShape s{.name = "Mixtral-8x7B", .architecture = "llama", .n_layer = 32, .n_embd = 4096};
  s.n_head = 32;
  s.n_head_kv = 8;
  s.n_head_dim = 128;
  s.n_expert = 8;
  s.n_expert_used = 2;
  s.n_ff_expert = s.n_ff_dense = 14336;
  s.n_vocab = 32000;
  s.n_context = 32768;
  s.rope_base = 1e6;
  s.norm_epsilon = 1e-5;
  return s;
}

ModelShape gpt_oss() {
  ModelShape s{.name = "gpt-oss-20b", .architecture = "gpt-oss", .n_layer = 24, .n_embd = 2880};
  s.n_head = 64;
  s.n_head_kv = 8;
  s.n_head_dim = 64;
  s.n_expert = 32;
  s.n_expert_used = 4;
  s.n_ff_expert = s.n_ff_dense = 2880;
  s.n_vocab = 201088;
  s.n_context = 131072;
  s.n_context_original = 4096;
  s.yarn_factor = 32.0;
  s.rope_base = 150000.0;
  s.norm_epsilon = 1e-5;
  s.has_qkv_bias = s.has_attention_bias = s.has_router_bias = s.has_expert_bias = true;
  s.has_sinks = s.is_post_norm = true;
  s.n_window = 128;
  return s;
}

ModelShape hunyuan() {
  ModelShape s{
      .name = "Hunyuan-A13B", .architecture = "hunyuan-moe", .n_layer = 32, .n_embd = 4096};
  s.n_head = 32;
  s.n_head_kv = 8;
  s.n_head_dim = 128;
  s.n_expert = 64;
  s.n_expert_used = 8;
  s.n_ff_expert = s.n_ff_dense = s.n_ff_shared = 3072;
  s.n_expert_shared = 1;
  s.n_vocab = 128167;
  s.n_context = 262144;
  s.rope_base = 11158840.0;
  s.norm_epsilon = 1e-5;
  s.qk_norm = QkNorm::kHead;
  s.is_tied = true;
  return s;
}

ModelShape deepseek() {
  ModelShape s{
      .name = "deepseek-moe-16b", .architecture = "deepseek", .n_layer = 28, .n_embd = 2048};
  s.n_dense_lead = 1;
  s.n_head = s.n_head_kv = 16;
  s.n_head_dim = 128;
  s.n_expert = 64;
  s.n_expert_used = 6;
  s.n_ff_expert = 1408;
  s.n_ff_dense = 10944;
  s.n_ff_shared = 2816;
  s.n_expert_shared = 2;
  s.n_vocab = 102400;
  s.n_context = 4096;
  return s;
}

ModelShape deepseek_v3() {
  ModelShape s{.name = "DeepSeek-V3", .architecture = "deepseek2", .n_layer = 61, .n_embd = 7168};
  s.n_dense_lead = 3;
  s.n_head = s.n_head_kv = 128;
  s.n_head_dim = 192;
  s.latent = {.n_query_rank = 1536, .n_key_rank = 512, .n_rope = 64, .n_value_dim = 128};
  s.n_expert = 256;
  s.n_expert_used = 8;
  s.n_expert_group = 8;
  s.n_group_used = 4;
  s.expert_scale = 2.5;
  s.n_ff_expert = s.n_ff_shared = 2048;
  s.n_expert_shared = 1;
  s.n_ff_dense = 18432;
  s.n_vocab = 129280;
  s.n_context = 163840;
  s.n_context_original = 4096;
  s.yarn_factor = 40.0;
  s.has_selection_bias = true;
  return s;
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) {
    return static_cast<char>(std::tolower(c));
  });
  return text;
}

}  // namespace

const std::vector<ModelShape>& known_shapes() {
  static const std::vector<ModelShape> shapes = {qwen3(),
                                                 phi35(),
                                                 mixtral(),
                                                 gpt_oss(),
                                                 qwen15(),
                                                 hunyuan(),
                                                 deepseek(),
                                                 olmoe(),
                                                 deepseek_v3()};
  return shapes;
}

const ModelShape& find_shape(const std::string& name) {
  std::string names;
  for (const ModelShape& shape : known_shapes()) {
    if (lower(shape.name) == lower(name)) {
      return shape;
    }
    names += (names.empty() ? "" : ", ") + shape.name;
  }
  throw Error(ErrorKind::kUsage, "[shapes] no model is called '" + name + "'", "known: " + names);
}

}  // namespace mascing
