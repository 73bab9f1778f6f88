// Models as numbers alone: the hyper-parameters of published Mixture-of-Experts models, from which
// files of the same shapes with random weights are written.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace mascing {

/// What is normalised before attention, besides the block's input.
enum class QkNorm { kNone, kHead, kWhole };

/// Multi-head latent attention: queries and keys by way of a narrow latent vector.
struct LatentAttention {
  int64_t n_query_rank = 0;  ///< 0 = ordinary attention
  int64_t n_key_rank = 0;    ///< what the cache holds of a token, beside its n_rope
  int64_t n_rope = 0;        ///< of a head's n_head_dim, those that are rotated
  int64_t n_value_dim = 0;   ///< of a head
};

/// Everything that llama.cpp needs to know of a model but its weights.
struct ModelShape {
  std::string name = {};          ///< as it is published
  std::string architecture = {};  ///< llama.cpp's word
  int64_t n_layer = 0;            ///< blocks
  int64_t n_dense_lead = 0;       ///< of them, leading ones without a router
  int64_t n_embd = 0;
  int64_t n_head = 0;
  int64_t n_head_kv = 0;
  int64_t n_head_dim = 0;
  int64_t n_expert = 0;
  int64_t n_expert_used = 0;
  int64_t n_ff_expert = 0;  ///< inner width of one expert
  int64_t n_ff_dense = 0;   ///< of a dense block's feed-forward layer
  int64_t n_ff_shared = 0;  ///< of all shared experts together; 0 = none
  int64_t n_expert_shared = 0;
  int64_t n_vocab = 0;
  int64_t n_context = 0;
  int64_t n_context_original = 0;  ///< before it was stretched; 0 = it was not
  double yarn_factor = 0.0;        ///< by which YaRN stretches it; 0 = not
  double rope_base = 10000.0;
  double norm_epsilon = 1e-6;
  LatentAttention latent = {};
  int64_t n_expert_group = 0;  ///< of which only the best are chosen from; 0 = all are
  int64_t n_group_used = 0;
  double expert_scale = 0.0;  ///< of what the experts add; 0 = 1

  QkNorm qk_norm = QkNorm::kNone;
  bool has_norm_bias = false;
  bool has_qkv_bias = false;
  bool has_attention_bias = false;  ///< of the projection behind attention
  bool has_head_bias = false;
  bool has_router_bias = false;
  bool has_expert_bias = false;
  bool has_selection_bias = false;  ///< sigmoid gating, weights normed to 1, a bias for the choice
  bool has_shared_gate = false;
  bool has_sinks = false;
  bool has_rope_factors = false;
  bool is_tied = false;       ///< the output matrix is that of the tokens
  bool is_post_norm = false;  ///< the norm before the experts is called the attention's post-norm
  int64_t n_window = 0;       ///< sliding window of every other block; 0 = none
};

/// The seven models of the paper, OLMoE-1B-7B and DeepSeek-V3.
[[nodiscard]] const std::vector<ModelShape>& known_shapes();
/// By its name, in any case. Throws Error{kUsage} with the names that are known.
[[nodiscard]] const ModelShape& find_shape(const std::string& name);

/// What the values of a tensor are drawn from.
enum class WeightKind {
  kOnes,    ///< gains of norms: 1
  kSmall,   ///< biases, sinks: uniform, standard deviation 0.02; F32
  kRouter,  ///< logits of about unit spread for normalised inputs; F32
  kMatrix,  ///< uniform, standard deviation about 0.02
  kExpert,  ///< the same, in the type of the experts
};

struct ShapeTensor {
  std::string name = {};
  std::vector<int64_t> dims = {};  ///< fastest first
  WeightKind kind = WeightKind::kMatrix;
};

/// All tensors in the order in which they are written.
[[nodiscard]] std::vector<ShapeTensor> tensors_of(const ModelShape& shape);
[[nodiscard]] int64_t count_parameters(const ModelShape& shape);

struct ShapeFileOptions {
  int32_t expert_type = 2;  ///< ggml type of the experts: Q4_0 (2), Q8_0 (8), MXFP4 (39), F16 (1)
  int32_t matrix_type = 2;  ///< of all other matrices
  uint64_t seed = 0;
};

/// Bytes of the tensors as they will be in the file.
[[nodiscard]] int64_t file_bytes(const ModelShape& shape, const ShapeFileOptions& options);
/// Writes a GGUF file that llama.cpp loads, tensor by tensor, a megabyte in memory at a time. Its
/// tokenizer knows bytes and little else. Throws Error{kUsage} for a type that it cannot draw,
/// Error{kSystem}.
void write_shape(const ModelShape& shape, const ShapeFileOptions& options, const std::string& path);

}  // namespace mascing
