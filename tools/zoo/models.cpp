// The table of the zoo. Numbers are small and unequal, so that a mix-up of two of them shows.
#include "zoo.h"

namespace mascing {
namespace {

using Counts = std::vector<uint32_t>;

constexpr uint32_t kSoftmax = 1;
constexpr uint32_t kSigmoid = 2;
constexpr uint32_t kSqrtSoftplus = 4;

ZooKeys operator+(ZooKeys keys, const ZooKeys& more) {
  keys.insert(keys.end(), more.begin(), more.end());
  return keys;
}

ZooKeys gating(uint32_t kind) {
  return {{"expert_gating_func", kind}};
}

ZooKeys dense_lead(uint32_t n_block) {
  return {{"leading_dense_block_count", n_block}};
}

ZooKeys shared_experts(uint32_t n) {
  return {{"expert_shared_count", n}};
}

/// Two of four groups of two experts.
ZooKeys groups() {
  return {{"expert_group_count", 4U}, {"expert_group_used_count", 2U}};
}

/// Every other block looks at the last eight tokens only.
ZooKeys window() {
  return {{"attention.sliding_window", 8U}, {"attention.sliding_window_pattern", 2U}};
}
ZooKeys window_blocks() {
  return {{"attention.sliding_window", 8U},
          {"attention.sliding_window_pattern", Counts{1, 0, 1, 0}},
          {"rope.freq_base_swa", 10000.0F}};
}

/// Multi-head latent attention.
ZooKeys latent_attention() {
  return {{"attention.head_count", 2U},
          {"attention.head_count_kv", 1U},
          {"attention.q_lora_rank", 24U},
          {"attention.kv_lora_rank", 32U},
          {"attention.key_length", 48U},
          {"attention.value_length", 32U},
          {"attention.key_length_mla", 32U},
          {"attention.value_length_mla", 16U}};
}

ZooKeys indexer() {
  return {{"attention.indexer.head_count", 64U},
          {"attention.indexer.key_length", 128U},
          {"attention.indexer.top_k", 4096U}};
}

ZooKeys state_space() {
  return {{"ssm.conv_kernel", 4U},
          {"ssm.inner_size", 128U},
          {"ssm.state_size", 16U},
          {"ssm.time_step_rank", 4U},
          {"ssm.group_count", 2U}};
}

/// Linear attention but in every other block.
ZooKeys delta_net() {
  return state_space() +
         ZooKeys{{"ssm.state_size", 16U}, {"ssm.inner_size", 64U}, {"full_attention_interval", 2U}};
}

ZooKeys delta_attention() {
  return latent_attention() + ZooKeys{{"attention.head_count_kv", Counts{0, 1, 0, 1}},
                                      {"attention.head_count", 2U},
                                      {"ssm.conv_kernel", 4U},
                                      {"kda.head_dim", 32U},
                                      {"kda.safe_gate", true},
                                      {"kda.gate_lower_bound", -5.0F}};
}

ZooKeys sections() {
  return {{"rope.dimension_sections", Counts{2, 3, 3, 0}}};
}

std::vector<ZooModel> paper_models() {
  return {
      {"qwen3moe", "qwen3moe", {}, {}, {}},
      {"llama", "llama", {}, {}, {}},
      {"gpt-oss", "gpt-oss", window(), {}, {}},
      {"qwen2moe", "qwen2moe", {}, {}, {}},
      // One set of rope factors, whatever the size of a context.
      {"phimoe", "phimoe", {{"rope.scaling.original_context_length", 65536U}}, {}, {}},
      {"hunyuan-moe", "hunyuan-moe", {}, {}, {}},
      {"deepseek",
       "deepseek",
       dense_lead(1) + shared_experts(2) + ZooKeys{{"expert_weights_scale", 1.0F}},
       {},
       {}},
  };
}

std::vector<ZooModel> transformers() {
  return {
      {"afmoe", "afmoe", dense_lead(1) + shared_experts(1) + window(), {}, {}},
      {"arctic", "arctic", {}, {}, {}},
      {"bailingmoe", "bailingmoe", shared_experts(1), {}, {}},
      {"bailingmoe2",
       "bailingmoe2",
       dense_lead(1) + shared_experts(1) + groups() + gating(kSigmoid),
       {},
       {}},
      {"cohere2moe",
       "cohere2moe",
       dense_lead(1) + shared_experts(1) + window_blocks() + ZooKeys{{"logit_scale", 1.0F}},
       {},
       {}},
      {"dbrx", "dbrx", ZooKeys{{"attention.clamp_kqv", 8.0F}}, {}, {}},
      {"dots1",
       "dots1",
       dense_lead(1) + shared_experts(1) + gating(kSigmoid) +
           ZooKeys{{"attention.head_count_kv", 4U}},
       {},
       {}},
      {"ernie4_5-moe",
       "ernie4_5-moe",
       dense_lead(1) + shared_experts(1) + ZooKeys{{"interleave_moe_layer_step", 1U}},
       {},
       {}},
      {"exaone-moe",
       "exaone-moe",
       dense_lead(1) + shared_experts(1) + window() + gating(kSigmoid),
       {},
       {}},
      {"gemma4",
       "gemma4",
       window_blocks() + ZooKeys{{"embedding_length_per_layer_input", 0U},
                                 {"attention.key_length_swa", 16U},
                                 {"attention.value_length_swa", 16U}},
       {},
       {}},
      {"glm4moe", "glm4moe", dense_lead(1) + shared_experts(1), {}, {}},
      {"granite", "granite", ZooKeys{{"logit_scale", 1.0F}}, {}, {}},
      {"granite_swa", "granite_swa", window_blocks() + ZooKeys{{"logit_scale", 1.0F}}, {}, {}},
      {"granitemoe", "granitemoe", ZooKeys{{"logit_scale", 1.0F}}, {}, {}},
      {"grok", "grok", {}, {}, {}},
      {"grovemoe",
       "grovemoe",
       ZooKeys{{"expert_chunk_feed_forward_length", 16U},
               {"expert_group_scale", 0.5F},
               {"experts_per_group", 2U}},
       {},
       {}},
      {"hy_v3", "hy_v3", dense_lead(1) + shared_experts(1), {}, {}},
      {"laguna", "laguna", dense_lead(1) + shared_experts(1) + window(), {}, {}},
      {"llada-moe", "llada-moe", {}, {}, {}},
      {"llama4", "llama4", ZooKeys{{"interleave_moe_layer_step", 2U}}, {}, {}},
      {"maple", "maple", window_blocks() + ZooKeys{{"swiglu_clamp_exp", 7.0F}}, {}, {}},
      {"mellum", "mellum", window(), {}, {}},
      {"mimo2", "mimo2", window_blocks(), {}, {}},
      {"minicpm", "minicpm", {}, {}, {}},
      {"minimax-m2", "minimax-m2", gating(kSigmoid), {}, {}},
      {"minimax-m3",
       "minimax-m3",
       dense_lead(1) + shared_experts(1) + gating(kSigmoid) + indexer() +
           ZooKeys{{"attention.indexer.head_count", 2U},
                   {"attention.indexer.key_length", 64U},
                   {"attention.indexer.block_size", 4U},
                   {"attention.indexer.local_blocks", 1U}},
       {},
       {}},
      {"mistral3", "mistral3", {}, {}, {}},
      {"olmoe", "olmoe", {{"attention.head_count_kv", 4U}}, {}, {}},
      {"qwen3vlmoe", "qwen3vlmoe", sections(), {}, {}},
      {"rnd1", "rnd1", {}, {}, {}},
      {"smallthinker", "smallthinker", window() + gating(kSigmoid), {}, {}},
      {"step35", "step35", window_blocks(), {}, {}},
  };
}

std::vector<ZooModel> latent_models() {
  const ZooKeys moe = latent_attention() + dense_lead(1) + shared_experts(1);
  return {
      {"deepseek2", "deepseek2", moe + groups() + gating(kSigmoid), {}, {}},
      {"deepseek2-softmax", "deepseek2", moe + gating(kSoftmax), {"exp_probs_b.bias"}, {}},
      {"deepseek32", "deepseek32", moe + indexer() + gating(kSigmoid), {}, {}},
      {"dots3note",
       "dots3note",
       moe + indexer() + gating(kSigmoid) + window_blocks() +
           ZooKeys{{"attention.kv_lora_rank_swa", 32U},
                   {"attention.key_length_swa", 48U},
                   {"attention.value_length_swa", 32U},
                   {"attention.key_length_mla_swa", 32U},
                   {"attention.value_length_mla_swa", 16U},
                   {"attention.indexer.types", Counts{0, 1, 0, 1}}},
       {},
       {}},
      {"glm-dsa", "glm-dsa", moe + indexer(), {}, {}},
      {"hy_v4",
       "hy_v4",
       moe + indexer() + gating(kSigmoid) +
           ZooKeys{{"hyper_connection.count", 4U},
                   {"hyper_connection.epsilon", 1e-6F},
                   {"hyper_connection.magnitude", 2.0F},
                   {"swiglu_clamp_exp", 10.0F},
                   {"expert_weights_scale", 1.0F},
                   {"expert_weights_norm", true},
                   {"attention.indexer.types", Counts{1, 0, 1, 0}}},
       {},
       {}},
  };
}

ZooKeys deepseek4_keys(uint32_t n_hash_layer) {
  return gating(kSqrtSoftplus) + shared_experts(1) + window() + indexer() +
         ZooKeys{{"embedding_length", 128U},
                 {"attention.head_count", 8U},
                 {"attention.head_count_kv", 1U},
                 {"attention.key_length", 64U},
                 {"attention.value_length", 64U},
                 {"rope.dimension_count", 32U},
                 {"attention.q_lora_rank", 64U},
                 {"attention.output_group_count", 8U},
                 {"attention.output_lora_rank", 32U},
                 {"attention.compress_ratios", Counts{0, 0, 4, 128}},
                 {"attention.compress_rope_freq_base", 160000.0F},
                 {"hyper_connection.count", 4U},
                 {"hyper_connection.sinkhorn_iterations", 2U},
                 {"hyper_connection.epsilon", 1e-6F},
                 {"hash_layer_count", n_hash_layer},
                 {"swiglu_clamp_exp", 10.0F},
                 {"expert_weights_scale", 1.0F},
                 {"expert_weights_norm", true}};
}

std::vector<ZooModel> hybrids() {
  const Counts every_other{0, 2, 0, 2};
  const ZooKeys heads{{"attention.head_count_kv", every_other}};
  return {
      {"bailingmoe3",
       "bailingmoe3",
       delta_attention() + dense_lead(1) + shared_experts(1) + gating(kSigmoid),
       {},
       {}},
      {"deepseek4", "deepseek4", deepseek4_keys(0), {}, {}},
      {"deepseek4-hash", "deepseek4", deepseek4_keys(1), {}, {"ffn_gate_tid2eid.weight"}},
      {"granitehybrid", "granitehybrid", state_space() + heads, {}, {}},
      {"jamba", "jamba", state_space() + heads, {}, {}},
      {"kimi-k3",
       "kimi-k3",
       delta_attention() + dense_lead(1) + shared_experts(1) + gating(kSigmoid) +
           ZooKeys{{"attn_res.block_size", 12U},
                   {"activation.situ_beta", 4.0F},
                   {"activation.situ_linear_beta", 25.0F},
                   {"expert_latent_length", 48U}},
       {},
       {}},
      {"kimi-linear",
       "kimi-linear",
       delta_attention() + dense_lead(1) + shared_experts(1) + gating(kSigmoid),
       {},
       {}},
      {"lfm2moe",
       "lfm2moe",
       heads + dense_lead(1) + gating(kSigmoid) + ZooKeys{{"shortconv.l_cache", 3U}},
       {},
       {}},
      {"minimax-01",
       "minimax-01",
       ZooKeys{{"residual_scale", 1.0F}, {"full_attention_interval", 2U}},
       {},
       {}},
      {"nemotron_h_moe",
       "nemotron_h_moe",
       state_space() + shared_experts(1) +
           ZooKeys{{"block_count", 6U},
                   {"attention.head_count_kv", Counts{0, 2, 0, 0, 0, 0}},
                   {"feed_forward_length", Counts{0, 0, 48, 0, 48, 48}},
                   {"moe_latent_size", 40U}},
       {},
       {}},
      {"qwen35moe", "qwen35moe", delta_net() + sections(), {}, {}},
      {"qwen3next", "qwen3next", delta_net(), {}, {}},
      {"qwen4exp",
       "qwen4exp",
       delta_net() + sections() + indexer() +
           ZooKeys{{"hyper_connection.count", 4U},
                   {"hyper_connection.low_rank", 8U},
                   {"attention.indexer.key_length", 16U},
                   {"attention.compress_ratios", Counts{4, 4, 4, 4}}},
       {},
       {}},
  };
}

}  // namespace

const std::vector<ZooModel>& zoo_models() {
  static const std::vector<ZooModel> all = [] {
    std::vector<ZooModel> models = paper_models();
    for (const auto& more : {transformers(), latent_models(), hybrids()}) {
      models.insert(models.end(), more.begin(), more.end());
    }
    return models;
  }();
  return all;
}

}  // namespace mascing
