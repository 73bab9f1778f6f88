// The trained zoo: libllama computes what PyTorch computed (tools/demo/zoo/parity.py), both in F32
// on the dequantised weights. Relative error of the logits below 1e-3 at every point, greedy tokens
// equal.
//
// MASCING_ZOO_MODELS and MASCING_ZOO_FIXTURES, if set, name other folders than the repository's.
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <ggml.h>
#include <gguf.h>
#include <llama.h>

#include "host/zoo_names.h"

namespace mascing {
namespace {

constexpr double kRelativeError = 1e-3;
constexpr uint32_t kContext = 1024;

struct Deleter {
  void operator()(gguf_context* file) const { gguf_free(file); }
  void operator()(ggml_context* tensors) const { ggml_free(tensors); }
  void operator()(llama_model* model) const { llama_model_free(model); }
  void operator()(llama_context* context) const { llama_free(context); }
};
template <typename T>
using Owned = std::unique_ptr<T, Deleter>;

std::string folder(const char* variable, const char* fallback) {
  const char* value = std::getenv(variable);
  return value != nullptr ? value : fallback;
}

ggml_tensor* dequantise(const ggml_tensor* source, ggml_context* target) {
  ggml_tensor* copy = ggml_new_tensor(target, GGML_TYPE_F32, GGML_MAX_DIMS, source->ne);
  ggml_set_name(copy, source->name);
  const int64_t n = ggml_nelements(source);
  if (source->type == GGML_TYPE_F32) {
    std::memcpy(copy->data, source->data, ggml_nbytes(source));
  } else {
    ggml_get_type_traits(source->type)->to_float(source->data, static_cast<float*>(copy->data), n);
  }
  return copy;
}

/// The same model with all tensors in F32.
void write_f32(const std::string& path, const std::string& output) {
  ggml_context* read = nullptr;
  const Owned<gguf_context> source(gguf_init_from_file(path.c_str(), {false, &read}));
  ASSERT_NE(source, nullptr) << path << " is not there, or is no GGUF file";
  const Owned<ggml_context> from(read);
  size_t size = 0;
  for (ggml_tensor* t = ggml_get_first_tensor(read); t != nullptr;
       t = ggml_get_next_tensor(read, t)) {
    size += static_cast<size_t>(ggml_nelements(t)) * sizeof(float) + 2 * ggml_tensor_overhead();
  }
  const Owned<ggml_context> to(ggml_init({size, nullptr, false}));
  const Owned<gguf_context> target(gguf_init_empty());
  gguf_set_kv(target.get(), source.get());
  gguf_set_val_u32(target.get(), "general.file_type", LLAMA_FTYPE_ALL_F32);
  for (int64_t i = 0; i < gguf_get_n_tensors(source.get()); ++i) {
    const ggml_tensor* tensor = ggml_get_tensor(read, gguf_get_tensor_name(source.get(), i));
    gguf_add_tensor(target.get(), dequantise(tensor, to.get()));
  }
  ASSERT_TRUE(gguf_write_to_file(target.get(), output.c_str(), false));
}

class Reference {
 public:
  explicit Reference(const std::string& path) {
    model_.reset(llama_model_load_from_file(path.c_str(), llama_model_default_params()));
    llama_context_params params = llama_context_default_params();
    params.n_ctx = params.n_batch = params.n_ubatch = kContext;
    params.n_threads = params.n_threads_batch = 1;
    params.type_k = params.type_v = GGML_TYPE_F32;
    params.flash_attn_type = LLAMA_FLASH_ATTN_TYPE_DISABLED;
    params.no_perf = true;
    context_.reset(model_ ? llama_init_from_model(model_.get(), params) : nullptr);
  }

  [[nodiscard]] bool is_open() const { return context_ != nullptr; }
  [[nodiscard]] int64_t n_vocab() const {
    return llama_vocab_n_tokens(llama_model_get_vocab(model_.get()));
  }

  /// Tokens from `position` on, logits wanted at some of them; position 0 empties the cache first.
  void decode(const std::vector<int32_t>& tokens,
              size_t position,
              const std::vector<size_t>& wanted) {
    if (position == 0) {
      llama_memory_clear(llama_get_memory(context_.get()), true);
    }
    llama_batch batch = llama_batch_init(static_cast<int32_t>(tokens.size()), 0, 1);
    for (size_t i = 0; i < tokens.size(); ++i) {
      batch.token[i] = tokens[i];
      batch.pos[i] = static_cast<llama_pos>(position + i);
      batch.n_seq_id[i] = 1;
      batch.seq_id[i][0] = 0;
      batch.logits[i] = 0;
    }
    for (const size_t i : wanted) {
      batch.logits[i] = 1;
    }
    batch.n_tokens = static_cast<int32_t>(tokens.size());
    const int32_t status = llama_decode(context_.get(), batch);
    llama_batch_free(batch);
    ASSERT_EQ(status, 0);
  }

  [[nodiscard]] const float* logits(int32_t i) const {
    return llama_get_logits_ith(context_.get(), i);
  }
  [[nodiscard]] int32_t likeliest(int32_t i) const {
    return static_cast<int32_t>(std::max_element(logits(i), logits(i) + n_vocab()) - logits(i));
  }

 private:
  Owned<llama_model> model_;
  Owned<llama_context> context_;
};

/// |actual - expected| / |expected| over the logits that the fixture has.
double relative_error(const float* actual, const std::vector<double>& expected, int64_t stride) {
  double error = 0.0;
  double norm = 0.0;
  for (const double value : expected) {
    error += (*actual - value) * (*actual - value);
    norm += value * value;
    actual += stride;
  }
  return std::sqrt(error / norm);
}

class ZooParity : public testing::TestWithParam<std::string> {};

TEST_P(ZooParity, LibllamaComputesWhatPyTorchComputed) {
  const std::string fixtures = folder("MASCING_ZOO_FIXTURES", MASCING_FIXTURES);
  const auto fixture = nlohmann::json::parse(std::ifstream(fixtures + "/" + GetParam() + ".json"));
  const std::string models = folder("MASCING_ZOO_MODELS", MASCING_ZOO_MODELS);
  const std::string f32 = testing::TempDir() + "/zoo-parity-" + GetParam() + ".gguf";
  ASSERT_NO_FATAL_FAILURE(write_f32(models + "/" + GetParam() + ".gguf", f32));
  Reference reference(f32);
  std::filesystem::remove(f32);
  ASSERT_TRUE(reference.is_open());
  const auto stride = fixture.at("stride").get<int64_t>();
  ASSERT_GE(fixture.at("prompts").size(), 50U);
  double worst = 0.0;
  size_t n_greedy = 0;
  for (const auto& prompt : fixture.at("prompts")) {
    const auto ids = prompt.at("ids").get<std::vector<int32_t>>();
    const auto points = prompt.at("points").get<std::vector<size_t>>();
    ASSERT_EQ(points.back() + 1, ids.size());
    ASSERT_NO_FATAL_FAILURE(reference.decode(ids, 0, points));
    for (size_t i = 0; i < points.size(); ++i) {
      const auto expected = prompt.at("logits").at(i).get<std::vector<double>>();
      ASSERT_EQ(static_cast<int64_t>(expected.size()), (reference.n_vocab() + stride - 1) / stride);
      const float* logits = reference.logits(static_cast<int32_t>(points[i]));
      worst = std::max(worst, relative_error(logits, expected, stride));
    }
    const auto greedy = prompt.at("greedy").get<std::vector<int32_t>>();
    auto i_last = static_cast<int32_t>(ids.size()) - 1;
    for (size_t i = 0; i < greedy.size(); ++i, ++n_greedy) {
      ASSERT_EQ(reference.likeliest(i_last), greedy[i])
          << "prompt of " << ids.size() << ", step " << i;
      ASSERT_NO_FATAL_FAILURE(reference.decode({greedy[i]}, ids.size() + i, {0}));
      i_last = 0;
    }
  }
  RecordProperty("relative_error", std::to_string(worst));
  std::printf("%s: largest relative error %.1e, %zu greedy tokens equal\n",
              GetParam().c_str(),
              worst,
              n_greedy);
  EXPECT_LT(worst, kRelativeError);
  EXPECT_GT(n_greedy, fixture.at("prompts").size());
}

INSTANTIATE_TEST_SUITE_P(Zoo,
                         ZooParity,
                         testing::ValuesIn(fixture_names(folder("MASCING_ZOO_FIXTURES",
                                                                MASCING_FIXTURES))),
                         test_name);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(ZooParity);

}  // namespace
}  // namespace mascing
