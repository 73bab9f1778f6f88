// Reasoning as it is generated: a demo model is given a chat template that takes the beginning of
// one of its replies for reasoning, so that the same tokens come, and only the limits differ.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ggml.h>
#include <gguf.h>

#include "base/temporary_folder.h"
#include "demo.h"
#include "mascing/reply_parts.h"

namespace mascing {
namespace {

constexpr int64_t kMuch = 60;

/// The demo model with another chat template.
void write_with_template(const std::string& source, const std::string& path) {
  ggml_context* tensors = nullptr;
  gguf_context* file = gguf_init_from_file(demo_model().c_str(), {false, &tensors});
  ASSERT_NE(file, nullptr);
  gguf_context* changed = gguf_init_empty();
  gguf_set_kv(changed, file);
  gguf_set_val_str(changed, "tokenizer.chat_template", source.c_str());
  for (int64_t i = 0; i < gguf_get_n_tensors(file); ++i) {
    gguf_add_tensor(changed, ggml_get_tensor(tensors, gguf_get_tensor_name(file, i)));
  }
  EXPECT_TRUE(gguf_write_to_file(changed, path.c_str(), false));
  gguf_free(changed);
  gguf_free(file);
  ggml_free(tensors);
}

class ReasoningGenerateTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    const auto host = open_llama_host(demo_options());
    const Prompt prompt = demo_prompts(*host, 1).at(0);
    plain_ = host->generate({{prompt.tokens}}, {0.0F, 0, kMuch}).at(0).value;
    const size_t middle = plain_.text.find(' ', plain_.text.size() / 3) + 1;
    start_ = plain_.text.substr(0, plain_.text.find(' ', 1));
    end_ = plain_.text.substr(middle, plain_.text.find(' ', middle) - middle);
    start_.erase(0, start_.find_first_not_of(' '));
    const std::string marked =
        "{{ \"" + start_ + "\" + message['reasoning_content'] + \"" + end_ + "\" }}";
    folder_ = new TemporaryFolder;
    write_with_template(
        "{% for message in messages %}{{ '<|' + message['role'] + '|>' }}"
        "{% if message['reasoning_content'] %}" +
            marked +
            "{% endif %}{{ message['content'] + '<|end|>' }}{% endfor %}"
            "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}",
        folder_->path("model.gguf"));
  }
  static void TearDownTestSuite() { delete folder_; }

  [[nodiscard]] static std::unique_ptr<Host> open(ReasoningMode mode) {
    LlamaHostOptions options = demo_options();
    options.path = folder_->path("model.gguf");
    options.chat_template.reasoning = mode;
    return open_llama_host(options);
  }
  [[nodiscard]] static Reply reply_of(Host& host, int64_t n_visible, int64_t n_reasoning) {
    const Prompt prompt = demo_prompts(host, 1).at(0);
    EXPECT_FALSE(prompt.opens_reasoning);
    Sampling sampling{0.0F, 0, n_visible};
    sampling.n_max_reasoning_token = n_reasoning;
    return host.generate({{prompt.tokens}}, sampling).at(0).value;
  }
  static void expect_begins_plain(const Reply& reply) {
    ASSERT_LE(reply.tokens.size(), plain_.tokens.size());
    EXPECT_TRUE(std::equal(reply.tokens.begin(), reply.tokens.end(), plain_.tokens.begin()));
  }

  static inline TemporaryFolder* folder_ = nullptr;
  static inline Reply plain_;
  static inline std::string start_;
  static inline std::string end_;
};

TEST_F(ReasoningGenerateTest, TheMarksAreThoseOfTheTemplate) {
  const auto host = open(ReasoningMode::kOn);
  ASSERT_FALSE(end_.empty());
  EXPECT_EQ(host->reasoning_marks().start, start_);
  EXPECT_THAT(host->reasoning_marks().ends, testing::Contains(end_));
}

TEST_F(ReasoningGenerateTest, TheVisiblePartHasALimitOfItsOwn) {
  const auto host = open(ReasoningMode::kOn);
  const Reply reply = reply_of(*host, 3, kMuch);
  expect_begins_plain(reply);
  EXPECT_GT(reply.n_reasoning_token, 1);
  EXPECT_EQ(std::ssize(reply.tokens) - reply.n_reasoning_token, 3);
  EXPECT_EQ(reply.finish, FinishReason::kLength);
  const ReplyParts parts = split_reply(reply.text, {host->reasoning_marks(), false});
  EXPECT_FALSE(parts.is_unfinished);
  EXPECT_EQ(parts.visible.find(end_), std::string::npos);
}

TEST_F(ReasoningGenerateTest, LogProbabilitiesAreThoseOfTheVisibleTokens) {
  const auto host = open(ReasoningMode::kOn);
  const Reply reply = reply_of(*host, kMuch, kMuch);
  ScoreRequest request;
  request.tokens = demo_prompts(*host, 1).at(0).tokens;
  request.begin = std::ssize(request.tokens) + reply.n_reasoning_token;
  request.tokens.insert(request.tokens.end(), reply.tokens.begin(), reply.tokens.end());
  EXPECT_NEAR(host->score({request}).at(0).value.log_prob, reply.log_prob, 2e-2);
}

TEST_F(ReasoningGenerateTest, AReplyThatReachesTheLimitOfReasoningIsUnfinished) {
  const auto host = open(ReasoningMode::kOn);
  const Reply reply = reply_of(*host, kMuch, 6);
  expect_begins_plain(reply);
  EXPECT_EQ(std::ssize(reply.tokens), 6);
  EXPECT_EQ(reply.n_reasoning_token, 6);
  EXPECT_EQ(reply.log_prob, 0.0);
  EXPECT_TRUE(split_reply(reply.text, {host->reasoning_marks(), false}).is_unfinished);
}

TEST_F(ReasoningGenerateTest, WithoutALimitOfItsOwnReasoningCountsAsWell) {
  const auto host = open(ReasoningMode::kOn);
  EXPECT_EQ(std::ssize(reply_of(*host, 4, 0).tokens), 4);
}

TEST_F(ReasoningGenerateTest, SkippingEndsThePromptWithAnEmptyBlock) {
  const auto on = open(ReasoningMode::kOn);
  const auto skip = open(ReasoningMode::kSkip);
  const Conversation question = demo_attacks(1).at(0);
  const auto short_one = on->render(question).tokens;
  const auto long_one = skip->render(question).tokens;
  ASSERT_GT(long_one.size(), short_one.size());
  EXPECT_TRUE(std::equal(short_one.begin(), short_one.end(), long_one.begin()));
  EXPECT_EQ(on->render_visible(question), long_one);
  const Prompt prompt = skip->render(question);
  const Prompt unskipped = on->render(question);
  EXPECT_EQ(prompt.final_user.begin, unskipped.final_user.begin);
  EXPECT_EQ(prompt.final_user.end, unskipped.final_user.end);
}

}  // namespace
}  // namespace mascing
