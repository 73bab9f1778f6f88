// The residual stream against libllama itself: what is read is what the graph computes, and a
// control vector does what llama_set_adapter_cvec does, for each sequence on its own.
#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/expect_error.h"
#include "demo.h"
#include "raw_model.h"
#include "tolerance.h"

namespace mascing {
namespace {

std::string block_name(int64_t i_block) {
  return "l_out-" + std::to_string(i_block);
}

/// Entries between -0.5 and 0.5 in the given blocks.
std::shared_ptr<ControlVector> random_control(const ModelInfo& info,
                                              const std::vector<int64_t>& blocks) {
  auto control = std::make_shared<ControlVector>();
  control->n_block = info.n_block;
  control->n_embd = info.n_embd;
  control->direction.assign(static_cast<size_t>(info.n_block * info.n_embd), 0.0F);
  for (const int64_t b : blocks) {
    for (int64_t d = 0; d < info.n_embd; ++d) {
      const auto i = static_cast<uint64_t>(b * info.n_embd + d);
      control->direction[i] = static_cast<float>(mix_seed(11, i) % 1001) / 1000.0F - 0.5F;
    }
  }
  return control;
}

class ResidualTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    host_ = open_llama_host(demo_options()).release();
    prompts_ = new std::vector<Prompt>(demo_prompts(*host_, 6));
  }
  static void TearDownTestSuite() {
    delete prompts_;
    delete host_;
  }

  [[nodiscard]] static const ModelInfo& info() { return host_->describe(); }
  /// Scores all of a prompt.
  [[nodiscard]] static ScoreRequest score_request(const Prompt& prompt, const Steering& steering) {
    return {prompt.tokens, 1, steering};
  }

  static inline Host* host_ = nullptr;
  static inline std::vector<Prompt>* prompts_ = nullptr;
};

TEST_F(ResidualTest, IsWhatTheGraphComputesAtTheLastTokenOfEveryBlock) {
  RawModel raw(demo_options(), RawModel::Callback::kObserve);
  std::vector<ResidualRequest> requests;
  for (const Prompt& prompt : *prompts_) {
    requests.push_back({prompt.tokens});
  }
  const auto outcomes = host_->residuals(requests);
  for (size_t i = 0; i < requests.size(); ++i) {
    ASSERT_TRUE(outcomes[i].ok()) << outcomes[i].error;
    ASSERT_EQ(outcomes[i].value.n_block, info().n_block);
    raw.decode(requests[i].tokens, std::vector<bool>(requests[i].tokens.size(), true));
    for (int64_t b = 0; b < info().n_block; ++b) {
      const std::vector<float>& seen = raw.seen(block_name(b)).values;
      const float* last = seen.data() + seen.size() - static_cast<size_t>(info().n_embd);
      double largest = 0.0;
      double difference = 0.0;
      for (int64_t d = 0; d < info().n_embd; ++d) {
        const float value = outcomes[i].value.values[b * info().n_embd + d];
        largest = std::max(largest, std::fabs(double{last[d]}));
        difference = std::max(difference, std::fabs(double{value} - last[d]));
      }
      EXPECT_GT(largest, 0.1) << "comparing zeros proves nothing";
      EXPECT_LT(difference, 2e-3 * largest) << "request " << i << " block " << b;
    }
  }
}

TEST_F(ResidualTest, AControlVectorDoesWhatLibllamasOwnDoes) {
  const Prompt& prompt = prompts_->front();
  const auto control = random_control(info(), {1, 3, info().n_block - 1});
  RawModel raw(demo_options(), RawModel::Callback::kObserve);
  raw.set_control_vector(*control);
  raw.decode(prompt.tokens, std::vector<bool>(prompt.tokens.size(), true));
  Engine engine = demo_engine();
  const Steering steering{nullptr, 1.0F, SteerRule::kAdd, control};
  TokenBatch batch(engine.n_batch(), 1);
  for (size_t t = 0; t < prompt.tokens.size(); ++t) {
    TapColumn column;
    column.steering = engine.active(steering);
    batch.add(prompt.tokens[t], static_cast<int64_t>(t), {0, 1}, true, column);
  }
  engine.decode(batch, false);
  RawModel plain(demo_options(), RawModel::Callback::kNone);
  plain.decode(prompt.tokens, std::vector<bool>(prompt.tokens.size(), true));
  double change = 0.0;
  for (size_t t = 0; t < prompt.tokens.size(); ++t) {
    const auto i = static_cast<int32_t>(t);
    for (int64_t v = 0; v < raw.n_vocab(); ++v) {
      ASSERT_NEAR(engine.logits(i)[v], raw.logits(i)[v], 1e-4) << "token " << t;
      change = std::max(change, std::fabs(double{engine.logits(i)[v]} - plain.logits(i)[v]));
    }
  }
  EXPECT_GT(change, 0.5) << "a vector that does nothing proves nothing";
}

TEST_F(ResidualTest, AlphaScalesTheControlVector) {
  auto control = random_control(info(), {2});
  auto doubled = std::make_shared<ControlVector>(*control);
  for (float& x : doubled->direction) {
    x *= 2.0F;
  }
  const Prompt& prompt = prompts_->front();
  const auto scores =
      host_->score({score_request(prompt, {nullptr, 20.0F, SteerRule::kAdd, control}),
                    score_request(prompt, {nullptr, 10.0F, SteerRule::kAdd, doubled}),
                    score_request(prompt, {nullptr, 0.0F, SteerRule::kAdd, control}),
                    score_request(prompt, {})});
  EXPECT_NEAR(scores[0].value.log_prob, scores[1].value.log_prob, tolerance(1e-2, 0.5));
  EXPECT_NEAR(scores[2].value.log_prob, scores[3].value.log_prob, tolerance(1e-2, 0.1));
  EXPECT_GT(std::fabs(scores[0].value.log_prob - scores[3].value.log_prob), 0.1);
}

TEST_F(ResidualTest, SequencesOfOneBatchAreControlledEachAsIfAlone) {
  std::vector<ScoreRequest> requests;
  for (size_t i = 0; i < prompts_->size(); ++i) {
    const auto control = random_control(info(), {static_cast<int64_t>(i) % info().n_block});
    const Steering steering{nullptr, 1.0F, SteerRule::kAdd, i % 2 == 0 ? control : nullptr};
    requests.push_back(score_request((*prompts_)[i], steering));
    requests.back().with_divergence = true;
  }
  const auto together = host_->score(requests);
  for (size_t i = 0; i < requests.size(); ++i) {
    const auto alone = host_->score({requests[i]});
    EXPECT_NEAR(together[i].value.log_prob, alone[0].value.log_prob, 2e-2) << "request " << i;
    if (i % 2 == 0) {
      EXPECT_GT(together[i].value.divergence, 1e-3) << "request " << i;
    } else {
      EXPECT_EQ(together[i].value.divergence, 0.0) << "request " << i;
    }
  }
}

TEST_F(ResidualTest, BlocksBeforeTheControlledOneAreUntouchedAndLaterOnesAreNot) {
  const Steering steering{nullptr, 1.0F, SteerRule::kAdd, random_control(info(), {2})};
  const std::vector<int32_t>& tokens = prompts_->front().tokens;
  const Residual plain = host_->residuals({{tokens}}).at(0).value;
  const Residual moved = host_->residuals({{tokens, steering}}).at(0).value;
  std::vector<bool> differs(static_cast<size_t>(info().n_block), false);
  for (size_t i = 0; i < plain.values.size(); ++i) {
    const size_t b = i / static_cast<size_t>(info().n_embd);
    differs[b] = differs[b] || plain.values[i] != moved.values[i];
  }
  EXPECT_THAT(differs, testing::ElementsAre(false, false, false, true, true, true));
}

TEST_F(ResidualTest, AVectorForAnotherModelIsRefusedAndABadPromptIsAnErrorOfItsOwn) {
  auto control = random_control(info(), {1});
  control->n_block -= 1;
  const Steering steering{nullptr, 1.0F, SteerRule::kAdd, control};
  const std::vector<int32_t>& tokens = prompts_->front().tokens;
  expect_error(ErrorKind::kMismatch, "the control vector has", [&] {
    (void)host_->score({score_request(prompts_->front(), steering)});
  });
  const auto outcomes = host_->residuals({{{}}, {{-1}}, {tokens}});
  EXPECT_EQ(outcomes[0].error, "no tokens");
  EXPECT_FALSE(outcomes[1].ok());
  EXPECT_TRUE(outcomes[2].ok());
}

}  // namespace
}  // namespace mascing
