#include "measure/labelled_replies.h"

#include <gtest/gtest.h>

#include "base/expect_error.h"
#include "base/files.h"
#include "base/temporary_folder.h"
#include "mascing/error.h"

namespace mascing {
namespace {

std::vector<LabelledReply> read(const std::string& name, const std::string& text) {
  const TemporaryFolder folder;
  write_file_atomically(folder.path(name), text);
  return read_labelled_replies(folder.path(name));
}

TEST(LabelledReplies, OfATableMayLackLabelsAndHaveThoseOfConversations) {
  const auto replies = read("a.csv",
                            "prompt,completion,final_label,label\n"
                            "p,I cannot,2_full_refusal,0\n"
                            "p,Of course,,1\n"
                            "p,Well,,refused\n");
  ASSERT_EQ(replies.size(), 3U);
  EXPECT_EQ(replies[0].label, Verdict::kRefused);
  EXPECT_FALSE(replies[1].label);
  EXPECT_TRUE(replies[1].has_number);
  EXPECT_EQ(replies[2].label, Verdict::kRefused);
  EXPECT_FALSE(replies[2].has_number);
  EXPECT_THROW((void)read("b.csv", "reply,label\nx,7 of 9\n"), Error);
}

TEST(LabelledReplies, OfLinesMayLackThemToo) {
  const auto replies = read("a.jsonl",
                            "{\"prompt\": \"p\", \"reply\": \"No\", \"verdict\": \"refused\"}\n"
                            "{\"prompt\": \"p\", \"reply\": \"Yes\", \"label\": 1}\n");
  ASSERT_EQ(replies.size(), 2U);
  EXPECT_EQ(replies[0].label, Verdict::kRefused);
  EXPECT_FALSE(replies[1].label);
  EXPECT_TRUE(replies[1].has_number);
}

void expect_no_replies(const std::string& words, const std::string& name, const std::string& text) {
  expect_error(ErrorKind::kBadInput, words, [&] { (void)read(name, text); });
}

TEST(LabelledReplies, OfHostileLinesEndInOneClearError) {
  const std::string deep = std::string(200000, '[') + std::string(200000, ']');
  expect_no_replies("line 2: invalid JSON: nested too deeply",
                    "a.jsonl",
                    "{\"reply\": \"So.\"}\n{\"reply\": \"So.\", \"messages\": [{\"role\": " + deep +
                        ", \"content\": \"x\"}]}\n");
  expect_no_replies("line 1: invalid JSON: an object has two keys \"reply\"",
                    "b.jsonl",
                    R"({"reply": "Yes", "reply": "No"})");
}

TEST(LabelledReplies, OfATableHaveNoColumnTwiceThatIsRead) {
  for (const char* name : {"reply", "verdict", "id", "prompt"}) {
    const std::string twice = std::string(name) + "," + name;
    expect_no_replies("line 1: several columns are \"" + std::string(name) + "\"",
                      "a.csv",
                      twice + ",completion\na,b,c\n");
  }
  EXPECT_EQ(read("b.csv", "note,note,reply\na,b,c\n").size(), 1U);
}

}  // namespace
}  // namespace mascing
