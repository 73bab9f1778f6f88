// The engine's options: what they refuse, and what they change.
#include <functional>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ggml-cpu.h>

#include "base/expect_error.h"
#include "base/temporary_folder.h"
#include "demo.h"
#include "stage/outcome.h"
#include "weight_buffers.h"

namespace mascing {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::Pair;

LlamaHostOptions with(const std::function<void(EngineOptions&)>& change) {
  LlamaHostOptions options = demo_options();
  change(options.engine);
  return options;
}

/// Opening fails with a message, and a hint that helps.
void expect_refused(const std::function<void(EngineOptions&)>& change,
                    const std::string& message,
                    const std::string& hint) {
  try {
    (void)open_llama_host(with(change));
    ADD_FAILURE() << "opened; expected: " << message;
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUsage);
    EXPECT_THAT(error.what(), HasSubstr(message));
    EXPECT_THAT(error.hint(), HasSubstr(hint));
  }
}

TEST(EngineOptionsTest, NamesThatDoNotExistAreRefusedWithThoseThatDo) {
  expect_refused([](auto& o) { o.cache_type_k = "q3_k"; }, "--cache-type-k", "q8_0");
  expect_refused([](auto& o) { o.cache_type_v = "royal"; }, "\"royal\"", "bf16");
  expect_refused([](auto& o) { o.flash_attention = "maybe"; }, "--flash-attn", "on, off, auto");
  expect_refused([](auto& o) { o.split_mode = "half"; }, "--split-mode", "none, layer, row");
  expect_refused([](auto& o) { o.devices = {"CUDA77"}; }, "CUDA77", "");
  expect_refused([](auto& o) { o.tensor_buffers = {"exps=ROCm9"}; }, "ROCm9", "CPU");
  expect_refused([](auto& o) { o.tensor_buffers = {"exps"}; }, "not REGEX=BUFFER", "=CPU");
  expect_refused([](auto& o) { o.tensor_buffers = {"(=CPU"}; }, "not a regular expression", "exps");
  expect_refused([](auto& o) { o.rpc_servers = {"nowhere"}; }, "not host:port", "--rpc");
  expect_refused([](auto& o) { o.rpc_servers = {"a:70000"}; }, "not host:port", "--rpc");
}

TEST(EngineOptionsTest, DevicesThatAreNotThereCannotShareAModel) {
  expect_refused(
      [](auto& o) {
        o.devices = {"none"};
        o.tensor_split = {3.0, 1.0};
      },
      "--tensor-split has more shares (2)",
      "--rpc");
  expect_refused(
      [](auto& o) {
        o.devices = {"none"};
        o.main_gpu = 1;
      },
      "--main-gpu 1",
      "--rpc");
}

TEST(EngineOptionsTest, QuantisedValuesNeedFlashAttention) {
  expect_refused(
      [](auto& o) {
        o.cache_type_v = "q8_0";
        o.flash_attention = "off";
      },
      "needs flash attention",
      "f16");
}

TEST(EngineOptionsTest, AServerThatDoesNotAnswerIsAnErrorAndNotTheEndOfTheProcess) {
  expect_error(ErrorKind::kHost, "127.0.0.1:1 does not answer", [] {
    (void)open_llama_host(with([](auto& o) { o.rpc_servers = {"127.0.0.1:1"}; }));
  });
}

TEST(EngineOptionsTest, OnlyWhatDiffersFromTheDefaultIsASetting) {
  EXPECT_TRUE(settings_of({}).empty());
  EngineOptions options;
  options.use_mmap = false;
  options.use_mlock = true;
  EXPECT_TRUE(settings_of(options).empty()) << "they change no result";
  options.cache_type_v = "q8_0";
  options.n_cpu_moe = 3;
  options.rpc_servers = {"10.0.0.1:50052", "10.0.0.2:50052"};
  options.tensor_split = {3.0, 1.0};
  const std::map<std::string, std::string> expected = {{"cache-type-v", "q8_0"},
                                                       {"n-cpu-moe", "3"},
                                                       {"rpc", "2 servers"},
                                                       {"tensor-split", "3.000,1.000"}};
  EXPECT_EQ(settings_of(options), expected);
}

TEST(EngineOptionsTest, TheHostTellsItsSettings) {
  const auto host = open_llama_host(with([](auto& o) { o.cache_type_k = "q8_0"; }));
  EXPECT_THAT(host->settings(), Contains(Pair("cache-type-k", "q8_0")));
}

/// Bytes that the cache holds of a sequence of 32 tokens.
size_t cache_bytes(const std::string& type) {
  const LlamaHostOptions options = with([&](auto& o) { o.cache_type_k = o.cache_type_v = type; });
  Engine engine(std::make_shared<const LoadedModel>(options), options);
  TokenBatch batch(32, 1);
  for (int32_t t = 0; t < 32; ++t) {
    batch.add(t + 1, t, {0, 1}, false, {});
  }
  engine.decode(batch, false);
  return llama_state_seq_get_size(engine.context(), 0);
}

TEST(EngineOptionsTest, TypesOfTheCacheChangeItsMemory) {
  const auto full = static_cast<double>(cache_bytes("f32"));
  EXPECT_NEAR(static_cast<double>(cache_bytes("f16")) / full, 0.5, 0.02);
  EXPECT_NEAR(static_cast<double>(cache_bytes("q8_0")) / full, 8.5 / 32.0, 0.02);
}

std::vector<RouterTrace> demo_traces(const LlamaHostOptions& options) {
  const auto host = open_llama_host(options);
  std::vector<TraceRequest> requests;
  for (const Prompt& prompt : demo_prompts(*host, 3)) {
    requests.push_back({prompt.tokens, prompt.final_user, {}});
  }
  std::vector<RouterTrace> traces;
  for (Result<RouterTrace>& result : host->trace(requests)) {
    traces.push_back(std::move(result.value));
  }
  return traces;
}

double largest_of_all(const std::vector<RouterTrace>& a, const std::vector<RouterTrace>& b) {
  double largest = 0.0;
  for (size_t i = 0; i < a.size(); ++i) {
    largest = std::max(largest, largest_difference(a[i], b[i]));
  }
  return largest;
}

TEST(EngineOptionsTest, CoarserCachesChangeRoutersALittle) {
  const auto exact = demo_traces(with([](auto& o) { o.cache_type_k = o.cache_type_v = "f32"; }));
  const auto half = demo_traces(demo_options());
  const auto coarse = demo_traces(with([](auto& o) { o.cache_type_k = o.cache_type_v = "q4_0"; }));
  EXPECT_LT(largest_of_all(half, exact), 0.2);
  EXPECT_GT(largest_of_all(coarse, exact), largest_of_all(half, exact));
}

TEST(EngineOptionsTest, FlashAttentionOrNotTheRoutersSayTheSame) {
  const auto on = demo_traces(with([](auto& o) { o.flash_attention = "on"; }));
  const auto off = demo_traces(with([](auto& o) { o.flash_attention = "off"; }));
  EXPECT_LT(largest_of_all(on, off), 0.2);
}

TEST(EngineOptionsTest, AMappedFileAndOneInMemoryGiveTheSameBytes) {
  const auto mapped = demo_traces(demo_options());
  const auto read = demo_traces(with([](auto& o) { o.use_mmap = false; }));
  EXPECT_EQ(largest_of_all(mapped, read), 0.0);
}

/// The demo model in 4 bits: a type that the processor rearranges.
class QuantisedModel : public testing::Test {
 protected:
  QuantisedModel() {
    path_ = folder_.path("quantised.gguf");
    llama_model_quantize_params params = llama_model_quantize_default_params();
    params.ftype = LLAMA_FTYPE_MOSTLY_Q4_0;
    params.nthread = 1;
    EXPECT_EQ(llama_model_quantize(demo_model().c_str(), path_.c_str(), &params), 0U);
  }

  [[nodiscard]] LlamaHostOptions options(const std::function<void(EngineOptions&)>& change) const {
    LlamaHostOptions options = with(change);
    options.path = path_;
    return options;
  }

  static std::set<std::string> kinds(const std::map<std::string, std::string>& buffers) {
    std::set<std::string> kinds;
    for (const auto& [tensor, buffer] : buffers) {
      kinds.insert(buffer);
    }
    return kinds;
  }

  TemporaryFolder folder_;
  std::string path_;
};

TEST_F(QuantisedModel, IsRearrangedUnlessToldNotTo) {
  const auto plain = kinds(weight_buffers(options([](auto& o) { o.repacks = false; })));
  EXPECT_FALSE(plain.contains("CPU_REPACK"));
  if (ggml_cpu_has_avx2() == 0) {
    GTEST_SKIP() << "this processor has no other form of these weights";
  }
  const auto fast = kinds(weight_buffers(options([](auto&) {})));
  EXPECT_TRUE(fast.contains("CPU_REPACK"));
}

TEST_F(QuantisedModel, ExpertsSentToTheProcessorStayThere) {
  for (const auto& [tensor, buffer] : weight_buffers(options([](auto& o) {
         o.keeps_experts_on_cpu = true;
         o.tensor_buffers = {R"(attn_[qkv]\.weight=CPU)"};
       }))) {
    EXPECT_THAT(buffer, testing::StartsWith("CPU")) << tensor;
  }
}

TEST(EngineOptionsTest, ExactGradientsDoNotDependOnThem) {
  const auto gradient = [](const LlamaHostOptions& options) {
    const auto host = open_llama_host(options);
    GradientRequest request;
    request.tokens = demo_prompts(*host, 1)[0].tokens;
    request.begin = static_cast<int64_t>(request.tokens.size()) - 8;
    request.openings = std::make_shared<const std::vector<std::vector<int32_t>>>(
        std::vector<std::vector<int32_t>>{host->tokenize(" I cannot", false)});
    request.steering = {random_mask(host->describe(), 2), 1.0F};
    request.outcomes = {[](const OpeningScores& scores, OpeningScores& d_scores) {
      d_scores.log_prob[0] = 1.0;
      return scores.log_prob[0];
    }};
    auto results = host->gradients({request});
    EXPECT_TRUE(results[0].ok()) << results[0].error;
    return results[0].value.d_steer;
  };
  const auto usual = gradient(demo_options());
  const auto other = gradient(with([](auto& o) {
    o.cache_type_k = o.cache_type_v = "q8_0";
    o.flash_attention = "on";
    o.repacks = false;
  }));
  ASSERT_FALSE(usual.empty());
  EXPECT_EQ(usual, other);
}

}  // namespace
}  // namespace mascing
