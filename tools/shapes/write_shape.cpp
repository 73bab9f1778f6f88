// Random blocks are drawn in the quantised form itself, so nothing is ever quantised: random digits
// under a scale that gives weights of standard deviation 0.02, its sign by chance, so that they
// have no mean.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>

#include "base/half.h"
#include "base/random.h"
#include "format/gguf.h"
#include "mascing/error.h"
#include "shape.h"

namespace mascing {
namespace {

constexpr int32_t kQ4 = 2;
constexpr int32_t kQ8 = 8;
constexpr int32_t kMxfp4 = 39;
constexpr float kDeviation = 0.02F;
constexpr float kSqrt3 = 1.7320508F;
constexpr size_t kPieceBytes = size_t{1} << 20;

/// Chosen so that the digits' deviation (4.6, 74, 2.9) times the scale is kDeviation.
constexpr float kQ4Scale = kDeviation / 4.61F;
constexpr float kQ8Scale = kDeviation / 73.9F;
constexpr uint8_t kMxfp4Exponent = 127 - 7;

/// Head and digits of a block of 32 weights.
struct BlockForm {
  size_t head_bytes = 0;
  size_t digit_bytes = 0;
};

BlockForm form_of(int32_t type) {
  switch (type) {
    case kQ4:
      return {2, 16};
    case kQ8:
      return {2, 32};
    case kMxfp4:
      return {1, 16};
    default:
      throw Error(ErrorKind::kUsage,
                  std::string("[shapes] cannot draw weights of type ") + gguf_type_name(type),
                  "known: q4_0, q8_0, mxfp4, f16");
  }
}

void fill_blocks(int32_t type, int64_t n_block, Rng& rng, const GgufSink& sink) {
  const BlockForm form = form_of(type);
  const size_t block_bytes = form.head_bytes + form.digit_bytes;
  const uint16_t scale = float_to_half(type == kQ4 ? kQ4Scale : kQ8Scale);
  std::vector<std::byte> piece(kPieceBytes / block_bytes * block_bytes);
  while (n_block > 0) {
    const auto n_now = std::min<int64_t>(n_block, static_cast<int64_t>(piece.size() / block_bytes));
    std::byte* out = piece.data();
    for (int64_t i = 0; i < n_now; ++i, out += block_bytes) {
      uint64_t bits = 0;
      for (size_t k = 0; k < form.digit_bytes; k += sizeof(bits)) {
        bits = rng.next();
        std::memcpy(out + form.head_bytes + k, &bits, sizeof(bits));
      }
      const auto sign = static_cast<uint16_t>(rng.next() >> 63U << 15U);
      const auto head = static_cast<uint16_t>(scale | sign);
      std::memcpy(
          out, type == kMxfp4 ? static_cast<const void*>(&kMxfp4Exponent) : &head, form.head_bytes);
    }
    sink(piece.data(), static_cast<size_t>(n_now) * block_bytes);
    n_block -= n_now;
  }
}

/// Uniform around `mean`.
void fill_numbers(
    int32_t type, int64_t n, float mean, float deviation, Rng& rng, const GgufSink& sink) {
  std::vector<float> piece(kPieceBytes / sizeof(float));
  std::vector<uint16_t> halves(piece.size());
  while (n > 0) {
    const auto n_now = std::min<int64_t>(n, static_cast<int64_t>(piece.size()));
    for (int64_t i = 0; i < n_now; ++i) {
      piece[i] = mean + deviation * kSqrt3 * static_cast<float>(2.0 * rng.uniform() - 1.0);
    }
    if (type == kGgufF32) {
      sink(piece.data(), static_cast<size_t>(n_now) * sizeof(float));
    } else {
      to_half(piece.data(), halves.data(), n_now);
      sink(halves.data(), static_cast<size_t>(n_now) * sizeof(uint16_t));
    }
    n -= n_now;
  }
}

int64_t count(const ShapeTensor& tensor) {
  int64_t n = 1;
  for (const int64_t dim : tensor.dims) {
    n *= dim;
  }
  return n;
}

int32_t type_of(const ShapeTensor& tensor, const ShapeFileOptions& options) {
  return tensor.kind == WeightKind::kExpert   ? options.expert_type
         : tensor.kind == WeightKind::kMatrix ? options.matrix_type
                                              : kGgufF32;
}

GgufFill fill_of(const ShapeTensor& tensor, int32_t type, uint64_t seed) {
  return [tensor, type, seed](const GgufSink& sink) {
    Rng rng(seed);
    const int64_t n = count(tensor);
    if (type != kGgufF32 && type != kGgufF16) {
      fill_blocks(type, n / 32, rng, sink);
      return;
    }
    const bool is_router = tensor.kind == WeightKind::kRouter;
    const bool is_gain = tensor.kind == WeightKind::kOnes;
    const float router = 1.0F / std::sqrt(static_cast<float>(tensor.dims[0]));
    const float deviation = is_gain ? 0.0F : is_router ? router : kDeviation;
    fill_numbers(type, n, is_gain ? 1.0F : 0.0F, deviation, rng, sink);
  };
}

/// The printable stand-in of a byte in byte-level BPE, as GPT-2 has it.
std::string byte_token(int byte, int& n_moved) {
  const bool is_plain = (byte >= 33 && byte <= 126) || (byte >= 161 && byte != 173);
  const int code = is_plain ? byte : 256 + n_moved++;
  if (code < 128) {
    return {static_cast<char>(code)};
  }
  return {static_cast<char>(0xC0 | (code >> 6)), static_cast<char>(0x80 | (code & 0x3F))};
}

void set_tokenizer(GgufWriter& writer, int64_t n_vocab) {
  std::vector<std::string> tokens;
  int n_moved = 0;
  for (int byte = 0; byte < 256; ++byte) {
    tokens.push_back(byte_token(byte, n_moved));
  }
  const auto end = static_cast<uint32_t>(tokens.size());
  tokens.emplace_back("<|im_end|>");
  tokens.emplace_back("<|im_start|>");
  while (static_cast<int64_t>(tokens.size()) < n_vocab) {
    tokens.push_back("<|unused" + std::to_string(tokens.size()) + "|>");
  }
  writer.set_string("tokenizer.ggml.model", "gpt2");
  writer.set_string("tokenizer.ggml.pre", "default");
  writer.set_string_array("tokenizer.ggml.tokens", tokens);
  writer.set_string_array("tokenizer.ggml.merges", {});
  writer.set_uint32("tokenizer.ggml.bos_token_id", end);
  writer.set_uint32("tokenizer.ggml.eos_token_id", end);
  writer.set_string("tokenizer.chat_template",
                    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + "
                    "message['content'] + '<|im_end|>\\n' }}{% endfor %}"
                    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}");
}

void set_context(GgufWriter& writer, const ModelShape& s) {
  const std::string prefix = s.architecture + ".rope.";
  writer.set_float(prefix + "freq_base", static_cast<float>(s.rope_base));
  if (s.n_context_original > 0) {
    writer.set_uint32(prefix + "scaling.original_context_length",
                      static_cast<uint32_t>(s.n_context_original));
  }
  if (s.yarn_factor > 0.0) {
    writer.set_string(prefix + "scaling.type", "yarn");
    writer.set_float(prefix + "scaling.factor", static_cast<float>(s.yarn_factor));
  }
}

using SetCount = std::function<void(const char* key, int64_t value)>;

/// With latent attention every head reads one key of a token: the latent vector and what is
/// rotated.
void set_attention(const SetCount& set, const ModelShape& s) {
  const LatentAttention& a = s.latent;
  const bool is_latent = a.n_query_rank > 0;
  set("attention.head_count", s.n_head);
  set("attention.head_count_kv", is_latent ? 1 : s.n_head_kv);
  set("attention.key_length", is_latent ? a.n_key_rank + a.n_rope : s.n_head_dim);
  set("attention.value_length", is_latent ? a.n_key_rank : s.n_head_dim);
  set("rope.dimension_count", is_latent ? a.n_rope : s.n_head_dim);
  if (is_latent) {
    set("attention.q_lora_rank", a.n_query_rank);
    set("attention.kv_lora_rank", a.n_key_rank);
    set("attention.key_length_mla", s.n_head_dim);
    set("attention.value_length_mla", a.n_value_dim);
  }
  if (s.n_window > 0) {
    set("attention.sliding_window", s.n_window);
  }
}

void set_gating(GgufWriter& writer, const ModelShape& s) {
  constexpr uint32_t kSigmoid = 2;
  const std::string prefix = s.architecture + ".";
  if (s.has_selection_bias) {
    writer.set_uint32(prefix + "expert_gating_func", kSigmoid);
    writer.set_bool(prefix + "expert_weights_norm", true);
  }
  if (s.expert_scale > 0.0) {
    writer.set_float(prefix + "expert_weights_scale", static_cast<float>(s.expert_scale));
  }
  if (s.n_expert_group > 0) {
    writer.set_uint32(prefix + "expert_group_count", static_cast<uint32_t>(s.n_expert_group));
    writer.set_uint32(prefix + "expert_group_used_count", static_cast<uint32_t>(s.n_group_used));
  }
}

void set_counts(GgufWriter& writer, const ModelShape& s) {
  const SetCount set = [&](const char* key, int64_t value) {
    writer.set_uint32(s.architecture + "." + key, static_cast<uint32_t>(value));
  };
  set("block_count", s.n_layer);
  set("context_length", s.n_context);
  set("embedding_length", s.n_embd);
  set("vocab_size", s.n_vocab);
  set("feed_forward_length", s.n_ff_dense);
  set_attention(set, s);
  set("expert_count", s.n_expert);
  set("expert_used_count", s.n_expert_used);
  set("expert_feed_forward_length", s.n_ff_expert);
  if (s.n_ff_shared > 0) {
    set("expert_shared_feed_forward_length", s.n_ff_shared);
  }
  if (s.n_expert_shared > 0) {
    set("expert_shared_count", s.n_expert_shared);
  }
  if (s.n_dense_lead > 0) {
    set("leading_dense_block_count", s.n_dense_lead);
  }
}

}  // namespace

int64_t file_bytes(const ModelShape& shape, const ShapeFileOptions& options) {
  int64_t n = 0;
  for (const ShapeTensor& tensor : tensors_of(shape)) {
    n +=
        gguf_row_bytes(type_of(tensor, options), tensor.dims[0]) * (count(tensor) / tensor.dims[0]);
  }
  return n;
}

void write_shape(const ModelShape& shape,
                 const ShapeFileOptions& options,
                 const std::string& path) {
  for (const int32_t type : {options.expert_type, options.matrix_type}) {
    if (type != kGgufF16) {
      (void)form_of(type);
    }
  }
  GgufWriter writer;
  writer.set_string("general.architecture", shape.architecture);
  // llama.cpp looks for special tokens of models that are named "phi-3".
  std::string name = shape.name + " (random weights)";
  std::replace(name.begin(), name.end(), '-', ' ');
  writer.set_string("general.name", name);
  writer.set_string("general.description", "shapes of " + shape.name + ", random weights");
  set_counts(writer, shape);
  set_context(writer, shape);
  set_gating(writer, shape);
  writer.set_float(shape.architecture + ".attention.layer_norm_rms_epsilon",
                   static_cast<float>(shape.norm_epsilon));
  set_tokenizer(writer, shape.n_vocab);
  uint64_t i_tensor = 0;
  for (const ShapeTensor& tensor : tensors_of(shape)) {
    const int32_t type = type_of(tensor, options);
    const uint64_t seed = mix_seed(options.seed, i_tensor++);
    writer.add_tensor(tensor.name, type, tensor.dims, fill_of(tensor, type, seed));
  }
  writer.write(path);
}

}  // namespace mascing
