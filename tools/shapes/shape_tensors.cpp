// The tensors that llama.cpp's loaders of the nine architectures ask for.
#include "shape.h"

namespace mascing {
namespace {

class TensorList {
 public:
  explicit TensorList(const ModelShape& shape) : s_(shape) {}

  std::vector<ShapeTensor> list() {
    add("token_embd.weight", {s_.n_embd, s_.n_vocab}, WeightKind::kMatrix);
    if (s_.has_rope_factors) {
      add("rope_factors_long.weight", {s_.n_head_dim / 2}, WeightKind::kOnes);
      add("rope_factors_short.weight", {s_.n_head_dim / 2}, WeightKind::kOnes);
    }
    for (int64_t i = 0; i < s_.n_layer; ++i) {
      block_ = "blk." + std::to_string(i) + ".";
      if (s_.latent.n_query_rank > 0) {
        add_latent_attention();
      } else {
        add_attention();
      }
      add_norm(s_.is_post_norm ? "post_attention_norm" : "ffn_norm");
      if (i < s_.n_dense_lead) {
        add_feed_forward("", s_.n_ff_dense);
      } else {
        add_experts();
      }
    }
    block_.clear();
    add_norm("output_norm");
    if (!s_.is_tied) {
      add_matrix("output", s_.n_embd, s_.n_vocab, s_.has_head_bias);
    }
    return std::move(tensors_);
  }

 private:
  void add(const std::string& name, std::vector<int64_t> dims, WeightKind kind) {
    tensors_.push_back({block_ + name, std::move(dims), kind});
  }
  void add_norm(const std::string& name) {
    add(name + ".weight", {s_.n_embd}, WeightKind::kOnes);
    if (s_.has_norm_bias) {
      add(name + ".bias", {s_.n_embd}, WeightKind::kSmall);
    }
  }
  void add_matrix(const std::string& name, int64_t n_in, int64_t n_out, bool has_bias) {
    add(name + ".weight", {n_in, n_out}, WeightKind::kMatrix);
    if (has_bias) {
      add(name + ".bias", {n_out}, WeightKind::kSmall);
    }
  }

  void add_latent_attention() {
    const LatentAttention& a = s_.latent;
    const int64_t n_plain = s_.n_head_dim - a.n_rope;
    add_norm("attn_norm");
    add_matrix("attn_q_a", s_.n_embd, a.n_query_rank, false);
    add("attn_q_a_norm.weight", {a.n_query_rank}, WeightKind::kOnes);
    add_matrix("attn_q_b", a.n_query_rank, s_.n_head * s_.n_head_dim, false);
    add_matrix("attn_kv_a_mqa", s_.n_embd, a.n_key_rank + a.n_rope, false);
    add("attn_kv_a_norm.weight", {a.n_key_rank}, WeightKind::kOnes);
    add("attn_k_b.weight", {n_plain, a.n_key_rank, s_.n_head}, WeightKind::kMatrix);
    add("attn_v_b.weight", {a.n_key_rank, a.n_value_dim, s_.n_head}, WeightKind::kMatrix);
    add_matrix("attn_output", s_.n_head * a.n_value_dim, s_.n_embd, false);
  }

  void add_attention() {
    const int64_t n_query = s_.n_head * s_.n_head_dim;
    const int64_t n_key = s_.n_head_kv * s_.n_head_dim;
    add_norm("attn_norm");
    add_matrix("attn_q", s_.n_embd, n_query, s_.has_qkv_bias);
    add_matrix("attn_k", s_.n_embd, n_key, s_.has_qkv_bias);
    add_matrix("attn_v", s_.n_embd, n_key, s_.has_qkv_bias);
    add_matrix("attn_output", n_query, s_.n_embd, s_.has_attention_bias);
    if (s_.qk_norm != QkNorm::kNone) {
      const bool is_whole = s_.qk_norm == QkNorm::kWhole;
      add("attn_q_norm.weight", {is_whole ? n_query : s_.n_head_dim}, WeightKind::kOnes);
      add("attn_k_norm.weight", {is_whole ? n_key : s_.n_head_dim}, WeightKind::kOnes);
    }
    if (s_.has_sinks) {
      add("attn_sinks.weight", {s_.n_head}, WeightKind::kSmall);
    }
  }

  void add_feed_forward(const std::string& suffix, int64_t n_inner) {
    add_matrix("ffn_gate" + suffix, s_.n_embd, n_inner, false);
    add_matrix("ffn_up" + suffix, s_.n_embd, n_inner, false);
    add_matrix("ffn_down" + suffix, n_inner, s_.n_embd, false);
  }

  void add_experts() {
    add("ffn_gate_inp.weight", {s_.n_embd, s_.n_expert}, WeightKind::kRouter);
    if (s_.has_router_bias) {
      add("ffn_gate_inp.bias", {s_.n_expert}, WeightKind::kSmall);
    }
    if (s_.has_selection_bias) {
      add("exp_probs_b.bias", {s_.n_expert}, WeightKind::kSmall);
    }
    add_expert("ffn_gate_exps", s_.n_embd, s_.n_ff_expert);
    add_expert("ffn_up_exps", s_.n_embd, s_.n_ff_expert);
    add_expert("ffn_down_exps", s_.n_ff_expert, s_.n_embd);
    if (s_.n_ff_shared > 0) {
      add_feed_forward("_shexp", s_.n_ff_shared);
    }
    if (s_.has_shared_gate) {
      add("ffn_gate_inp_shexp.weight", {s_.n_embd}, WeightKind::kSmall);
    }
  }
  void add_expert(const std::string& name, int64_t n_in, int64_t n_out) {
    add(name + ".weight", {n_in, n_out, s_.n_expert}, WeightKind::kExpert);
    if (s_.has_expert_bias) {
      add(name + ".bias", {n_out, s_.n_expert}, WeightKind::kSmall);
    }
  }

  const ModelShape& s_;
  std::string block_;
  std::vector<ShapeTensor> tensors_;
};

}  // namespace

std::vector<ShapeTensor> tensors_of(const ModelShape& shape) {
  return TensorList(shape).list();
}

int64_t count_parameters(const ModelShape& shape) {
  int64_t n = 0;
  for (const ShapeTensor& tensor : tensors_of(shape)) {
    int64_t n_value = 1;
    for (const int64_t dim : tensor.dims) {
      n_value *= dim;
    }
    n += n_value;
  }
  return n;
}

}  // namespace mascing
