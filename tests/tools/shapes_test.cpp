// Random models of published shapes: the sizes are the published ones, the files load, and every
// router of them can be traced and steered.
#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>
#include <map>

#include <gtest/gtest.h>

#include "base/expect_error.h"
#include "base/half.h"
#include "base/temporary_folder.h"
#include "format/gguf.h"
#include "mascing/llama_host.h"
#include "mascing/tensor_codec.h"
#include "shape.h"

namespace mascing {
namespace {

constexpr int32_t kF16 = 1;
constexpr int32_t kQ4 = 2;
constexpr int32_t kQ8 = 8;
constexpr int32_t kMxfp4 = 39;

/// The same kind of model in small.
ModelShape soft_threshold(ModelShape shape) {
  shape.n_layer = 2 + shape.n_dense_lead;
  shape.n_embd = 128;
  shape.n_head = 4;
  shape.n_head_kv = shape.n_head_kv > 8 ? 4 : 2;
  shape.n_head_dim = 32;
  shape.n_expert = 8;
  shape.n_expert_used = 2;
  shape.n_ff_expert = 64;
  shape.n_ff_dense = shape.architecture == "deepseek" ? 96 : 64;
  shape.n_ff_shared = shape.n_ff_shared > 0 ? 64 * std::max<int64_t>(1, shape.n_expert_shared) : 0;
  if (shape.latent.n_query_rank > 0) {
    shape.latent = {.n_query_rank = 64, .n_key_rank = 64, .n_rope = 16, .n_value_dim = 32};
    shape.n_head_dim = 48;
  }
  shape.n_expert_group = std::min<int64_t>(shape.n_expert_group, 2);
  shape.n_group_used = std::min<int64_t>(shape.n_group_used, 1);
  shape.n_vocab = 320;
  shape.n_context = 256;
  return shape;
}

std::unique_ptr<Host> open_small(const std::string& path) {
  LlamaHostOptions options;
  options.path = path;
  options.n_thread = 1;
  return open_llama_host(options);
}

TEST(ShapesTest, HaveAsManyParametersAsThePublishedModels) {
  const std::map<std::string, int64_t> published = {{"Qwen3-30B-A3B", 30532122624},
                                                    {"Phi-3.5-MoE", 41873153344},
                                                    {"Mixtral-8x7B", 46702792704},
                                                    {"gpt-oss-20b", 20914757184},
                                                    {"Qwen1.5-MoE-A2.7B", 14315784192},
                                                    {"Hunyuan-A13B", 80393183232},
                                                    {"deepseek-moe-16b", 16375728128},
                                                    {"OLMoE-1B-7B", 6919161856},
                                                    {"DeepSeek-V3", 671026419200}};
  ASSERT_EQ(known_shapes().size(), published.size());
  for (ModelShape shape : known_shapes()) {
    shape.has_rope_factors = false;  // llama.cpp's own, not weights
    EXPECT_EQ(count_parameters(shape), published.at(shape.name)) << shape.name;
  }
}

TEST(ShapesTest, EveryArchitectureLoadsAndAllItsRoutersAreTracedAndSteered) {
  const TemporaryFolder folder;
  for (const ModelShape& known : known_shapes()) {
    SCOPED_TRACE(known.name);
    const ModelShape shape = soft_threshold(known);
    const std::string path = folder.path("small.gguf");
    write_shape(shape, {known.architecture == "gpt-oss" ? kMxfp4 : kQ4, kQ8, 5}, path);
    const auto host = open_small(path);
    const ModelInfo& info = host->describe();
    EXPECT_EQ(info.n_layer, 2);
    EXPECT_EQ(info.n_expert, shape.n_expert);
    const Prompt prompt =
        host->render({.id = "a", .messages = {{"user", "Who guards the royal seal?"}}});
    auto mask = std::make_shared<Mask>(zero_mask(info));
    mask->row(0)[3] = -4.0F;
    const auto traces = host->trace(
        {{prompt.tokens, prompt.final_user, {}}, {prompt.tokens, prompt.final_user, {mask, 1.0F}}});
    ASSERT_TRUE(traces[0].ok() && traces[1].ok()) << traces[0].error << traces[1].error;
    const auto& plain = traces[0].value.logits;
    const auto& steered = traces[1].value.logits;
    double largest = 0.0;
    int64_t n_changed = 0;
    for (size_t i = 0; i < plain.size(); ++i) {
      const float z = half_to_float(plain[i]);
      ASSERT_TRUE(std::isfinite(z));
      largest = std::max(largest, static_cast<double>(std::fabs(z)));
      n_changed += plain[i] != steered[i] ? 1 : 0;
    }
    EXPECT_GT(largest, 0.5) << "the routers do choose";
    EXPECT_LT(largest, 50.0);
    EXPECT_GT(n_changed, 0) << "a mask in the first layer shows in the second";
  }
}

TEST(ShapesTest, WeightsOfEveryTypeHaveTheDeviationThatIsSaid) {
  const TemporaryFolder folder;
  const ModelShape shape = soft_threshold(find_shape("olmoe-1b-7b"));
  for (const int32_t type : {kF16, kQ4, kQ8, kMxfp4}) {
    write_shape(shape, {type, type, 1}, folder.path("typed.gguf"));
    const GgufFile file = GgufFile::open(folder.path("typed.gguf"));
    const GgufTensor* tensor = file.find_tensor("blk.1.ffn_up_exps.weight");
    ASSERT_NE(tensor, nullptr);
    EXPECT_EQ(tensor->type, type);
    std::vector<float> values(128 * 64 * 8);
    ggml_codec().decode(type, tensor->data, static_cast<int64_t>(values.size()), values.data());
    double sum = 0.0;
    double squares = 0.0;
    for (const float value : values) {
      sum += value;
      squares += static_cast<double>(value) * value;
    }
    const auto n = static_cast<double>(values.size());
    EXPECT_NEAR(std::sqrt(squares / n), 0.02, 0.004) << gguf_type_name(type);
    EXPECT_NEAR(sum / n, 0.0, 0.001) << gguf_type_name(type);
  }
}

TEST(ShapesTest, TheSameSeedGivesTheSameBytesAndTheSizeIsForetold) {
  const TemporaryFolder folder;
  const ModelShape shape = soft_threshold(find_shape("gpt-oss-20b"));
  const ShapeFileOptions options{kMxfp4, kQ8, 3};
  const auto bytes = [&](uint64_t seed, const char* name) {
    write_shape(shape, {options.expert_type, options.matrix_type, seed}, folder.path(name));
    std::ifstream in(folder.path(name), std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(in), {});
  };
  const std::string first = bytes(3, "a.gguf");
  EXPECT_EQ(first, bytes(3, "b.gguf"));
  EXPECT_NE(first, bytes(4, "c.gguf"));
  const GgufFile file = GgufFile::open(folder.path("a.gguf"));
  int64_t n = 0;
  for (const GgufTensor& tensor : file.tensors()) {
    n += static_cast<int64_t>(tensor.size_bytes);
  }
  EXPECT_EQ(n, file_bytes(shape, options));
}

TEST(ShapesTest, RefusesUnknownNamesAndTypes) {
  const TemporaryFolder folder;
  expect_error(ErrorKind::kUsage, "no model is called 'gpt-2'", [] { (void)find_shape("gpt-2"); });
  expect_error(ErrorKind::kUsage, "cannot draw weights of type q4_K", [&] {
    write_shape(soft_threshold(known_shapes()[0]), {12, kQ8, 0}, folder.path("x.gguf"));
  });
}

}  // namespace
}  // namespace mascing
