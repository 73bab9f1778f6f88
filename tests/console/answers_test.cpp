// What an answer writes, and that it ends when nobody reads it.
#include "console/answers.h"

#include <memory>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/expect_error.h"
#include "mascing/llama_host.h"

namespace mascing::console {
namespace {

using nlohmann::json;

class AnswersTest : public testing::Test {
 protected:
  AnswersTest() {
    LlamaHostOptions options;
    options.path = MASCING_DEMO "/kingdom-planted-f16.gguf";
    options.n_thread = 1;
    host_ = open_llama_host(options);
    WeightedMask used{zero_mask(host_->describe()), 1.0, "mask.gguf"};
    used.mask.steer[3] = 8.0F;
    used.mask.steer[used.mask.n_expert + 1] = -8.0F;
    answers_ =
        std::make_unique<Answers>(*host_, std::vector{used}, Defaults{{}, {}, {0.0F, 0, 40}});
  }

  [[nodiscard]] Question question(double strength = 1.0) const {
    Question asked;
    asked.text = "Tell me of the mill.";
    asked.strengths = {strength};
    asked.sampling = answers_->defaults().sampling;
    return asked;
  }

  /// The lines that are written while somebody reads: `n_read` of them.
  std::vector<json> lines_of(const Question& asked, int64_t n_read = 1 << 20) {
    std::vector<json> lines;
    const auto is_open = [&] { return std::ssize(lines) < n_read; };
    const auto write = [&](const std::string& line) {
      lines.push_back(json::parse(line));
      return is_open();
    };
    answers_->answer(asked, {write, is_open});
    return lines;
  }

  std::unique_ptr<Host> host_;
  std::unique_ptr<Answers> answers_;
};

TEST_F(AnswersTest, TextAddsUpToTheRepliesOfGenerate) {
  const std::vector<json> lines = lines_of(question());
  ASSERT_GT(lines.size(), 4U);
  const json& done = lines[lines.size() - 2];
  ASSERT_EQ(done["type"], "done");
  EXPECT_EQ(lines.back()["type"], "routing");
  std::map<std::string, std::string> shown;
  for (const json& line : lines) {
    if (line["type"] == "text") {
      std::string& text = shown[line["side"]];
      text = line.value("whole", false) ? line["text"].get<std::string>()
                                        : text + line["text"].get<std::string>();
    }
  }
  const Prompt prompt = host_->render(conversation_of(question(), false));
  const auto replies = host_->generate({{prompt.tokens, {}, 0}}, question().sampling);
  EXPECT_EQ(shown["base"], split_reply(replies[0].value.text).visible);
  EXPECT_EQ(done["base"]["visible"], shown["base"]);
  EXPECT_EQ(done["steered"]["visible"], shown["steered"]);
  EXPECT_EQ(done["base"]["tokens"], replies[0].value.tokens.size());
}

TEST_F(AnswersTest, TheRoutingShowsWhatTheMaskDoes) {
  const json routing = lines_of(question()).back();
  EXPECT_EQ(routing["by_logits"], "") << "the choice of the demo model can be followed";
  EXPECT_EQ(routing["steered"]["rates"][0][3], 1.0);
  EXPECT_EQ(routing["steered"]["rates"][1][1], 0.0);
  const json idle = lines_of(question(0.0)).back();
  EXPECT_EQ(idle["base"], idle["steered"]);
  EXPECT_EQ(idle["base"], routing["base"]);
}

TEST_F(AnswersTest, AnAnswerThatNobodyReadsEnds) {
  Question asked = question();
  asked.sampling = {10.0F, 1, 900};
  const HostCounters before = host_->counters();
  const std::vector<json> lines = lines_of(asked, 5);
  EXPECT_LE(lines.size(), 6U);
  EXPECT_LT(host_->counters().n_generated_token - before.n_generated_token, 20);
  EXPECT_EQ(lines_of(question()).back()["type"], "routing") << "the next one is answered";
}

TEST_F(AnswersTest, AStopOfTheHostIsToldAndItsWatchIsKept) {
  bool may_go_on = false;
  host_->set_watch([&](const HostCounters&) { return may_go_on; });
  const std::vector<json> stopped = lines_of(question());
  EXPECT_EQ(stopped.back()["type"], "error");
  EXPECT_THAT(stopped.back()["message"].get<std::string>(), testing::HasSubstr("stopped"));
  may_go_on = true;
  EXPECT_EQ(lines_of(question()).back()["type"], "routing");
  may_go_on = false;
  EXPECT_EQ(lines_of(question()).back()["type"], "error");
}

TEST_F(AnswersTest, WhatGoesWrongIsTheLastLine) {
  Question asked = question();
  for (int i = 0; i < 3000; ++i) {
    asked.text += " word";
  }
  const json line = lines_of(asked).back();
  EXPECT_EQ(line["type"], "error");
  EXPECT_FALSE(line["hint"].get<std::string>().empty());
}

TEST_F(AnswersTest, AMaskOfAnotherModelIsRefusedAtOnce) {
  WeightedMask other{zero_mask(host_->describe()), 1.0, "other.gguf"};
  other.mask.fingerprint = std::string(64, '0');
  other.mask.routers = {};
  expect_error(ErrorKind::kMismatch, "", [&] { (void)Answers(*host_, {other}, {}); });
}

TEST_F(AnswersTest, FactsTellMasksAndLimits) {
  const json facts = json::parse(answers_->facts());
  EXPECT_EQ(facts["masks"][0]["strength"], 1.0);
  EXPECT_EQ(facts["masks"][0]["active"], 2);
  EXPECT_EQ(facts["max_tokens"], 40);
  EXPECT_EQ(facts["model"]["layers"], host_->describe().n_layer);
}

}  // namespace
}  // namespace mascing::console
