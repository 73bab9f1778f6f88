// What a question may say.
#include "console/question.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/expect_error.h"

namespace mascing::console {
namespace {

Defaults two_masks() {
  return {"You are the court assistant.", {0.5, 2.0}, {0.0F, 7, 100, 200}};
}

TEST(Question, NeedsOnlyItsText) {
  const Question question = parse_question(R"({"text": "Good day"})", two_masks());
  EXPECT_EQ(question.text, "Good day");
  EXPECT_EQ(question.system, "You are the court assistant.");
  EXPECT_THAT(question.strengths, testing::ElementsAre(0.5, 2.0));
  EXPECT_EQ(question.sampling.n_max_token, 100);
  EXPECT_EQ(question.sampling.seed, 7U);
}

TEST(Question, GivesEachSideItsOwnReplies) {
  const Question question = parse_question(
      R"({"text": "And then?", "system": "", "strengths": [0, -1], "max_tokens": 5, "seed": 1,
          "temperature": 0.5, "turns": [{"user": "Hello", "base": "Hail", "steered": "No"}]})",
      two_masks());
  EXPECT_THAT(question.strengths, testing::ElementsAre(0.0, -1.0));
  EXPECT_EQ(question.sampling.n_max_token, 5);
  const std::vector<Message> steered = {
      {"user", "Hello"}, {"assistant", "No"}, {"user", "And then?"}};
  EXPECT_EQ(conversation_of(question, true).messages, steered);
  EXPECT_EQ(conversation_of(question, false).messages[1].content, "Hail");
}

TEST(Question, IsRefusedWithTheReason) {
  const auto refused = [](const std::string& body, const std::string& words) {
    SCOPED_TRACE(body.substr(0, 100));
    expect_error(ErrorKind::kUsage, words, [&] { (void)parse_question(body, two_masks()); });
  };
  refused("[]", "not a JSON object");
  refused("{}", "\"text\" is missing");
  refused(R"({"text": 3})", "\"text\" is not a text");
  refused(R"({"text": " \n"})", "is empty");
  refused(R"({"text": "a", "strength": [1, 1]})", "did you mean \"strengths\"?");
  refused(R"({"text": "a", "strengths": [1]})", "a list of 2");
  refused(R"({"text": "a", "strengths": [1, 1e9]})", "from -100 to 100");
  refused(R"({"text": "a", "strengths": [1, "1"]})", "from -100 to 100");
  refused(R"({"text": "a", "max_tokens": 101})", "from 1 to 100");
  refused(R"({"text": "a", "max_tokens": 1.5})", "a whole number");
  refused(R"({"text": "a", "temperature": -1})", "from 0 to 10");
  refused(R"({"text": "a", "seed": -1})", "a whole number");
  refused(R"({"text": "a", "turns": [{"user": "x"}]})", "\"base\" is missing");
  refused(R"({"text": "a", "turns": [1]})", "not an object");
  refused("{\"text\": \"" + std::string(kMaxTextBytes + 1, 'a') + "\"}", "at most 32768");
  std::string turns;
  for (int64_t i = 0; i <= kMaxTurns; ++i) {
    turns += std::string(i == 0 ? "" : ",") + R"({"user":"a","base":"b","steered":"c"})";
  }
  refused(R"({"text": "a", "turns": [)" + turns + "]}", "at most 100");
}

TEST(Question, ThatIsNoJsonIsBadInput) {
  expect_error(
      ErrorKind::kBadInput, "JSON", [] { (void)parse_question("{\"text\": ", two_masks()); });
  expect_error(ErrorKind::kBadInput, "", [] {
    (void)parse_question(std::string(100000, '['), two_masks());
  });
}

}  // namespace
}  // namespace mascing::console
