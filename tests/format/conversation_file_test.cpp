#include "mascing/conversation_file.h"

#include <gtest/gtest.h>

#include "base/expect_error.h"
#include "base/files.h"
#include "base/temporary_folder.h"

namespace mascing {
namespace {

const std::string kUser = R"("messages": [{"role": "user", "content": "hi"}])";

std::vector<Conversation> read(const std::string& text) {
  const TemporaryFolder folder;
  write_file_atomically(folder.path("set.jsonl"), text);
  return read_conversations(folder.path("set.jsonl"));
}

std::vector<ChoiceQuestion> read_questions(const std::string& text) {
  const TemporaryFolder folder;
  write_file_atomically(folder.path("set.jsonl"), text);
  return read_choices(folder.path("set.jsonl"));
}

void expect_refusal(const std::string& words,
                    const std::string& text,
                    ErrorKind kind = ErrorKind::kBadInput) {
  expect_error(kind, words, [&] { (void)read(text); });
}

Conversation full_conversation() {
  Conversation c;
  c.id = "a";
  c.messages = {{"system", "s"}, {"user", "line\nbreak \"quoted\" \xC3\xA9"}};
  c.label = 0;
  c.topic = "t";
  c.category = "c";
  c.tactic = "n";
  c.split = "test";
  c.reference = "r";
  c.reply = "y";
  return c;
}

TEST(Conversations, WrittenThenReadAreEqual) {
  const Conversation c = full_conversation();
  const std::string line = to_jsonl(c);
  EXPECT_EQ(line.find('\n'), std::string::npos);
  EXPECT_EQ(read(line).at(0), c);
  Conversation small;
  small.id = "b";
  small.messages = {{"user", "u"}};
  EXPECT_EQ(to_jsonl(small), R"({"id":"b","messages":[{"content":"u","role":"user"}]})");
}

TEST(Conversations, BrokenUtf8InARepliesIsReplacedOnWriting) {
  Conversation c = full_conversation();
  c.reply = "cut \xE2\x82";
  EXPECT_EQ(read(to_jsonl(c)).at(0).reply.substr(0, 4), "cut ");
}

TEST(Conversations, TakeByteOrderMarkCrlfBlankLinesAndUnknownKeys) {
  const auto all = read("\xEF\xBB\xBF{\"id\": \"a\", \"group\": [1], " + kUser + "}\r\n\r\n  \n{" +
                        kUser + ", \"topic\": null}");
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].id, "a");
  EXPECT_EQ(all[1].id, "set:4");
  EXPECT_EQ(all[1].label, std::nullopt);
}

TEST(Conversations, NumbersAreTakenAsIds) {
  EXPECT_EQ(read("{\"id\": 17, " + kUser + "}")[0].id, "17");
}

TEST(Conversations, ErrorsNameFileAndLine) {
  const std::string good = "{" + kUser + "}\n";
  expect_refusal("set.jsonl:2: invalid JSON", good + "{oops}");
  expect_refusal("set.jsonl:2: invalid JSON", good + "{\"id\": 1e999}");
  expect_refusal("set.jsonl:2: invalid UTF-8", good + "{\"id\": \"\xFF\"}");
  expect_refusal("set.jsonl:2: expected a JSON object, got array", good + "[]");
  expect_refusal("set.jsonl:1: \"messages\" is missing", "{}");
  expect_refusal("at least one element", R"({"messages": []})");
  expect_refusal("must be a list", R"({"messages": "hi"})");
  expect_refusal("role \"robot\"", R"({"messages": [{"role": "robot", "content": ""}]})");
  expect_refusal("no \"content\"", R"({"messages": [{"role": "user"}]})");
  expect_refusal("\"content\" is a number", R"({"messages": [{"role": "user", "content": 3}]})");
  expect_refusal("a message must be an object", R"({"messages": ["hi"]})");
  expect_refusal("\"label\" is 2", "{\"label\": 2, " + kUser + "}");
  expect_refusal("\"label\" is \"1\"", "{\"label\": \"1\", " + kUser + "}");
  expect_refusal("\"topic\" is a array", "{\"topic\": [], " + kUser + "}");
  expect_refusal("nested too deeply", "{\"x\": " + std::string(100000, '['));
}

TEST(Conversations, AKeyThatAnObjectHasTwiceNamesItsLine) {
  const std::string good = "{" + kUser + "}\n";
  const std::string words = "set.jsonl:2: invalid JSON: an object has two keys ";
  expect_refusal(words + "\"label\"", good + R"({"label": 0, "label": 1, )" + kUser + "}");
  expect_refusal(words + "\"role\"",
                 good + R"({"messages": [{"role": "user", "content": "a", "role": "user"}]})");
  // Keys of other objects are other keys, whatever stands before or between them.
  const std::string inner = R"({"a": {"a": 1, "b": {"a": 2}}, "b": [{"a": 3}, {"a": 4}]})";
  EXPECT_EQ(read("{\"x\": [" + inner + ", " + inner + "], " + kUser + "}").size(), 1U);
}

TEST(Conversations, AnIdUsedTwiceNamesBothLines) {
  const std::string line = "{\"id\": \"a\", " + kUser + "}\n";
  expect_refusal("set.jsonl:3: id \"a\" is already used in line 1", line + "\n" + line);
}

TEST(Conversations, AnEmptyFileIsTooLittle) {
  expect_refusal("contains no conversation", "", ErrorKind::kInsufficient);
  expect_refusal("contains no conversation", "\xEF\xBB\xBF\n \n", ErrorKind::kInsufficient);
}

TEST(Choices, ReadQuestionsAndRefuseWrongAnswers) {
  const auto all = read_questions(R"({"question": "q", "choices": ["a", "b"], "answer": 1})");
  EXPECT_EQ(all.at(0).answer, 1);
  EXPECT_EQ(all.at(0).choices, (std::vector<std::string>{"a", "b"}));
  const auto refuse = [](const std::string& words, const std::string& text) {
    expect_error(ErrorKind::kBadInput, words, [&] { (void)read_questions(text); });
  };
  refuse("\"answer\" is 2, expected 0 to 1",
         R"({"question": "q", "choices": ["a", "b"], "answer": 2})");
  refuse("\"answer\" is -1", R"({"question": "q", "choices": ["a", "b"], "answer": -1})");
  refuse("\"answer\" is 18446744073709551615",
         R"({"question": "q", "choices": ["a", "b"], "answer": 18446744073709551615})");
  refuse("at least two choices", R"({"question": "q", "choices": ["a"], "answer": 0})");
  refuse("index of the correct one", R"({"question": "q", "choices": ["a", "b"], "answer": "0"})");
  refuse("\"question\" is missing", R"({"choices": ["a", "b"], "answer": 0})");
  refuse("a choice is a number", R"({"question": "q", "choices": [1, "b"], "answer": 0})");
}

TEST(Conversations, TheDemoFilesAllRead) {
  const std::string folder = std::string(MASCING_DEMO) + "/data/";
  for (const char* name : {"attacks", "benign", "benign_multiturn", "direct", "restricted"}) {
    const auto all = read_conversations(folder + name + ".jsonl");
    EXPECT_GT(all.size(), 100U) << name;
    EXPECT_FALSE(all[0].split.empty());
  }
  EXPECT_EQ(read_choices(folder + "facts.jsonl").size(), 200U);
}

TEST(Script, HasUserTurnsOnly) {
  Conversation row;
  row.messages = {{"user", "one"}};
  EXPECT_FALSE(is_script(row));
  row.messages.push_back({"user", "two"});
  EXPECT_TRUE(is_script(row));
  row.messages.insert(row.messages.begin() + 1, {"assistant", "yes"});
  EXPECT_FALSE(is_script(row));
}

TEST(ConversationFile, ALineThatNoModelReadsIsRefusedBeforeItTakesMemory) {
  const TemporaryFolder folder;
  const std::string row = R"({"id": "a", "messages": [{"role": "user", "content": ")";
  write_file_atomically(folder.path("a.jsonl"),
                        row + std::string(size_t{9} << 20, 'x') + "\"}]}\n");
  expect_error(ErrorKind::kBadInput, "expected at most 8388608", [&] {
    (void)read_conversations(folder.path("a.jsonl"));
  });
}

}  // namespace
}  // namespace mascing
