#include "measure/labelled_replies.h"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace mascing
