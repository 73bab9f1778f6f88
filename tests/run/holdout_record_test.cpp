// What counts as a second look at test conversations.
#include "run/holdout_record.h"

#include <gtest/gtest.h>

#include "base/expect_error.h"
#include "base/files.h"
#include "base/temporary_folder.h"

namespace mascing {
namespace {

class HoldoutRecordTest : public testing::Test {
 protected:
  HoldoutRecordTest() {
    options_.output = folder_.path();
    info_.identity = "a model";
  }

  /// Data whose target has test conversations `first` .. `first + n - 1`.
  [[nodiscard]] static Dataset data_of(const std::string& hash, int first, int n) {
    Dataset data;
    data.hash = hash;
    LoadedSet target;
    target.spec.role = SetRole::kTarget;
    for (int i = first; i < first + n; ++i) {
      Conversation row;
      row.messages = {{"user", "request " + std::to_string(i)}};
      target.splits[static_cast<size_t>(Split::kTest)].push_back(row);
    }
    data.sets = {target};
    return data;
  }
  [[nodiscard]] static Mask mask_of(float value) {
    Mask mask;
    mask.steer = {value};
    return mask;
  }
  [[nodiscard]] HoldoutRecord record(const std::string& hash, int first, int n) const {
    return {data_of(hash, first, n), info_, options_};
  }

  TemporaryFolder folder_;
  RunOptions options_;
  ModelInfo info_;
};

TEST_F(HoldoutRecordTest, TheSameConversationsCountWhateverElseChanged) {
  record("one", 0, 10).take(mask_of(1.0F));
  EXPECT_NO_THROW(record("one", 0, 10).require_first(mask_of(1.0F)));
  const HoldoutRecord other = record("another discovery split", 0, 10);
  EXPECT_TRUE(other.has(mask_of(1.0F)));
  expect_error(ErrorKind::kUsage, "another mask was already evaluated", [&] {
    other.require_first(mask_of(2.0F));
  });
  EXPECT_FALSE(other.has(mask_of(2.0F)));
}

TEST_F(HoldoutRecordTest, OneConversationInCommonIsEnough) {
  record("one", 0, 10).take(mask_of(1.0F));
  expect_error(ErrorKind::kUsage, "another mask", [&] {
    record("two", 9, 10).require_first(mask_of(2.0F));
  });
  EXPECT_NO_THROW(record("two", 10, 10).require_first(mask_of(2.0F)));
}

TEST_F(HoldoutRecordTest, KeepsWhatItSaysOfOtherConversations) {
  record("one", 0, 10).take(mask_of(1.0F));
  record("two", 10, 10).take(mask_of(2.0F));
  EXPECT_TRUE(record("one", 0, 10).has(mask_of(1.0F)));
  EXPECT_TRUE(record("one", 0, 10).warnings().empty());
  record("one", 0, 10).take(mask_of(3.0F));
  const auto warnings = record("one", 0, 10).warnings();
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_EQ(warnings[0].id, "test_split_reused");
  info_.identity = "another model";
  EXPECT_FALSE(record("one", 0, 10).has(mask_of(1.0F)));
}

TEST_F(HoldoutRecordTest, ADamagedRecordIsNoPermission) {
  record("one", 0, 10).take(mask_of(1.0F));
  const std::string path = folder_.path("tested.json");
  std::string text = read_text_file(path);
  text.replace(text.find("looks"), 5, "Looks");
  write_file_atomically(path, text);
  expect_error(ErrorKind::kBadInput, "is damaged", [&] {
    record("one", 0, 10).require_first(mask_of(1.0F));
  });
}

}  // namespace
}  // namespace mascing
