// What llama.cpp's graph builders fix themselves is in a table here; the conformance tests compare
// it with what the graphs compute.
#include "format/router_traits.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "mascing/tensor_codec.h"

namespace mascing {
namespace {

/// Gating of an architecture if the file does not say, or whatever it says (`is_fixed`).
struct Builder {
  std::string_view architecture;
  std::string_view gating;
  bool is_fixed;
};

constexpr std::array kBuilders = {
    Builder{"afmoe", "sigmoid", false},         Builder{"arctic", "softmax", true},
    Builder{"bailingmoe", "softmax", true},     Builder{"bailingmoe2", "unknown", false},
    Builder{"bailingmoe3", "unknown", false},   Builder{"cohere2moe", "sigmoid", false},
    Builder{"dbrx", "softmax", true},           Builder{"deepseek", "softmax", true},
    Builder{"deepseek2", "softmax", false},     Builder{"deepseek2-ocr", "softmax", false},
    Builder{"deepseek32", "unknown", false},    Builder{"deepseek4", "sqrt_softplus", true},
    Builder{"dots1", "unknown", false},         Builder{"dots3note", "unknown", false},
    Builder{"ernie4_5-moe", "softmax", true},   Builder{"exaone-moe", "unknown", false},
    Builder{"gemma4", "softmax", true},         Builder{"glm-dsa", "sigmoid", false},
    Builder{"glm4moe", "sigmoid", false},       Builder{"gpt-oss", "softmax_weight", true},
    Builder{"granite", "softmax", true},        Builder{"granite_swa", "softmax", true},
    Builder{"granitehybrid", "softmax", true},  Builder{"granitemoe", "softmax", true},
    Builder{"grok", "softmax", true},           Builder{"grovemoe", "softmax", true},
    Builder{"hunyuan-moe", "softmax", true},    Builder{"hy_v3", "sigmoid", false},
    Builder{"hy_v4", "unknown", false},         Builder{"jamba", "softmax", true},
    Builder{"kimi-k3", "unknown", false},       Builder{"kimi-linear", "unknown", false},
    Builder{"laguna", "sigmoid", false},        Builder{"lfm2moe", "unknown", false},
    Builder{"llada-moe", "softmax", true},      Builder{"llama", "softmax", true},
    Builder{"llama4", "sigmoid", true},         Builder{"maple", "softmax", true},
    Builder{"mellum", "softmax", true},         Builder{"mimo2", "sigmoid", true},
    Builder{"minicpm", "softmax", true},        Builder{"minimax-01", "softmax", true},
    Builder{"minimax-m2", "unknown", false},    Builder{"minimax-m3", "unknown", false},
    Builder{"mistral3", "softmax", true},       Builder{"mistral4", "softmax", false},
    Builder{"nemotron_h_moe", "sigmoid", true}, Builder{"olmoe", "softmax", true},
    Builder{"phimoe", "softmax", true},         Builder{"qwen2moe", "softmax", true},
    Builder{"qwen35moe", "softmax", true},      Builder{"qwen3moe", "softmax", true},
    Builder{"qwen3next", "softmax", true},      Builder{"qwen3vlmoe", "softmax", true},
    Builder{"qwen4exp", "softmax", true},       Builder{"rnd1", "softmax", true},
    Builder{"smallthinker", "unknown", false},  Builder{"step35", "sigmoid", false},
};

// Graphs that multiply with the router's weight by themselves and not by build_lora_mm, as of
// v0.5.0.
constexpr std::array kPastAdapters = {std::string_view("kimi-k3")};

const Builder* find_builder(std::string_view architecture) {
  const auto* const found =
      std::find_if(kBuilders.begin(), kBuilders.end(), [&](const Builder& builder) {
        return builder.architecture == architecture;
      });
  return found == kBuilders.end() ? nullptr : found;
}

/// Null if there is none.
const GgufTensor* find_of_block(const OpenModel& model, int64_t block, const char* end) {
  const std::string name = "blk." + std::to_string(block) + end;
  for (const GgufFile& part : model.parts) {
    if (const GgufTensor* tensor = part.find_tensor(name)) {
      return tensor;
    }
  }
  return nullptr;
}

const GgufTensor* find_selection_bias(const OpenModel& model, int64_t block) {
  const GgufTensor* tensor = find_of_block(model, block, ".exp_probs_b.bias");
  return tensor != nullptr ? tensor : find_of_block(model, block, ".exp_probs_b");
}

/// Empty for a shape or a type that is none of a bias.
std::vector<float> values_of(const GgufTensor& bias, int64_t n_expert, const TensorCodec& codec) {
  std::vector<float> values;
  if (bias.dims == std::vector<int64_t>{n_expert} && codec.can_encode(bias.type)) {
    values.resize(n_expert);
    codec.decode(bias.type, bias.data, n_expert, values.data());
  }
  return values;
}

int64_t count_shared(const OpenModel& model) {
  const int64_t stated =
      model.parts.front().get_int(model.info.architecture + ".expert_shared_count").value_or(0);
  const int64_t block = model.info.blocks.front();
  const bool has_any = find_of_block(model, block, ".ffn_down_shexp.weight") != nullptr;
  return has_any ? std::max<int64_t>(1, stated) : 0;
}

}  // namespace

RouterTraits read_router_traits(const OpenModel& model, const TensorCodec* codec) {
  const ModelInfo& info = model.info;
  const GgufFile& head = model.parts.front();
  RouterTraits traits;
  traits.gating = info.gating;
  if (const Builder* builder = find_builder(info.architecture)) {
    traits.is_known_architecture = true;
    if (builder->is_fixed || info.gating == "default") {
      traits.gating = builder->gating;
    }
  }
  traits.gating = traits.gating == "default" ? "unknown" : traits.gating;
  traits.n_leading_dense = info.blocks.front();
  traits.n_expert_shared = count_shared(model);
  const int64_t n_group = head.get_int(info.architecture + ".expert_group_count").value_or(0);
  if (n_group > 1) {
    traits.n_group = n_group;
    traits.n_group_used = head.get_int(info.architecture + ".expert_group_used_count").value_or(0);
  }
  const int64_t n_hash = head.get_int(info.architecture + ".hash_layer_count").value_or(0);
  for (const int64_t block : info.blocks) {
    const GgufTensor* bias = find_selection_bias(model, block);
    traits.has_selection_bias.push_back(bias != nullptr);
    traits.selection_bias.push_back(
        bias == nullptr
            ? std::vector<float>()
            : values_of(*bias, info.n_expert, codec == nullptr ? plain_codec() : *codec));
    traits.is_chosen_by_token.push_back(block < n_hash);
  }
  return traits;
}

bool routers_take_adapters(const std::string& architecture) {
  return std::find(kPastAdapters.begin(), kPastAdapters.end(), architecture) == kPastAdapters.end();
}

}  // namespace mascing
