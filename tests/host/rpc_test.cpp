// A model divided between two rpc-servers on loopback against the same model in this process.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "demo.h"
#include "rpc_server.h"
#include "weight_buffers.h"

namespace mascing {
namespace {

/// Between back ends that compute the same on one kind of processor.
constexpr double kLogitTolerance = 0.05;

class RpcTest : public testing::Test {
 protected:
  [[nodiscard]] LlamaHostOptions remote() const {
    LlamaHostOptions options = demo_options();
    options.engine.rpc_servers = {first_.address(), second_.address()};
    return options;
  }

  RpcServer first_;
  RpcServer second_;
};

TEST_F(RpcTest, BothServersHaveWeights) {
  std::string all;
  for (const auto& [tensor, buffer] : weight_buffers(remote())) {
    all += buffer + " ";
  }
  EXPECT_THAT(all, testing::HasSubstr(first_.address()));
  EXPECT_THAT(all, testing::HasSubstr(second_.address()));
}

TEST_F(RpcTest, ExpertsOfTheFirstBlocksStayHereAndTheRestGoesToTheDevices) {
  LlamaHostOptions options = remote();
  options.engine.n_cpu_moe = 3;
  int64_t n_here = 0;
  int64_t n_there = 0;
  for (const auto& [tensor, buffer] : weight_buffers(options)) {
    if (!is_expert(tensor)) {
      continue;
    }
    const bool is_here = tensor < std::string("blk.3.");
    EXPECT_THAT(buffer, testing::HasSubstr(is_here ? "CPU" : "RPC")) << tensor;
    ++(is_here ? n_here : n_there);
  }
  EXPECT_GT(n_here, 0);
  EXPECT_EQ(n_here, n_there) << "three of six blocks";
}

TEST_F(RpcTest, AnOverrideSendsTensorsByName) {
  LlamaHostOptions options = remote();
  options.engine.tensor_buffers = {R"(blk\.[0-4]\.attn_q=CPU)"};
  for (const auto& [tensor, buffer] : weight_buffers(options)) {
    if (tensor.find("attn_q.") != std::string::npos) {
      EXPECT_THAT(buffer, testing::HasSubstr(tensor < std::string("blk.5.") ? "CPU" : "RPC"))
          << tensor;
    }
  }
}

TEST_F(RpcTest, TracesRepliesAndSteeringAreThoseOfOneProcess) {
  const auto here = open_llama_host(demo_options());
  const auto there = open_llama_host(remote());
  EXPECT_FALSE(there->why_no_gradients().empty());
  const Steering steering{random_mask(here->describe(), 4), 0.5F};
  std::vector<TraceRequest> traces;
  std::vector<GenerateRequest> prompts;
  std::vector<ScoreRequest> scores;
  for (const Prompt& prompt : demo_prompts(*here, 3)) {
    traces.push_back({prompt.tokens, prompt.final_user, {}});
    traces.push_back({prompt.tokens, prompt.final_user, steering});
    prompts.push_back({prompt.tokens, steering, 0});
    scores.push_back({prompt.tokens, 1, steering, true});
  }
  const auto traced = here->trace(traces);
  const auto traced_there = there->trace(traces);
  for (size_t i = 0; i < traces.size(); ++i) {
    EXPECT_LT(largest_difference(traced[i].value, traced_there[i].value), kLogitTolerance);
  }
  const auto scored = here->score(scores);
  const auto scored_there = there->score(scores);
  for (size_t i = 0; i < scores.size(); ++i) {
    EXPECT_NEAR(scored[i].value.log_prob, scored_there[i].value.log_prob, 0.1);
    EXPECT_NEAR(scored[i].value.divergence, scored_there[i].value.divergence, 0.1);
  }
  const auto replies = here->generate(prompts, {0.0F, 0, 12});
  const auto replies_there = there->generate(prompts, {0.0F, 0, 12});
  for (size_t i = 0; i < prompts.size(); ++i) {
    EXPECT_EQ(replies[i].value.text, replies_there[i].value.text);
  }
}

TEST_F(RpcTest, AnotherModelOfTheProcessDoesNotUseTheServers) {
  const auto there = open_llama_host(remote());
  for (const auto& [tensor, buffer] : weight_buffers(demo_options())) {
    EXPECT_THAT(buffer, testing::HasSubstr("CPU")) << tensor;
  }
}

}  // namespace
}  // namespace mascing
