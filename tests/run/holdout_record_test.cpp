// What counts as a second look at test conversations.
#include "run/holdout_record.h"

#include <gtest/gtest.h>

#include "base/expect_error.h"
#include "base/files.h"
#include "base/sha256.h"
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

TEST_F(HoldoutRecordTest, RepliesOfAnotherRolloutAreNoOtherConversation) {
  Dataset data = data_of("one", 0, 10);
  HoldoutRecord(data, info_, options_).take(mask_of(1.0F));
  for (Conversation& row : data.sets[0].splits[static_cast<size_t>(Split::kTest)]) {
    row.messages.push_back({"assistant", "Another reply."});
  }
  data.hash = "two";
  EXPECT_TRUE(HoldoutRecord(data, info_, options_).has(mask_of(1.0F)));
}

TEST_F(HoldoutRecordTest, AMaskCountsWhereverItWasEvaluated) {
  record("one", 0, 10).take(mask_of(1.0F));
  record("two", 5, 10).take(mask_of(1.0F));
  EXPECT_TRUE(record("three", 10, 5).has(mask_of(1.0F)));
}

TEST_F(HoldoutRecordTest, ReadsRecordsOfEarlierVersions) {
  const std::string data = sha256_hex("one" + info_.identity);
  const std::string mask(64, 'a');
  const std::string start = R"({"data": ")" + data + R"(", "mask": ")" + mask +
                            R"(", "masks": [")" + mask + R"("], "sum": ")";
  write_file_atomically(folder_.path("tested.json"), start + sha256_hex(data + " " + mask) + "\"}");
  expect_error(ErrorKind::kUsage, "another mask", [&] {
    record("one", 0, 10).require_first(mask_of(2.0F));
  });
  EXPECT_NO_THROW(record("two", 0, 10).require_first(mask_of(2.0F)));
  write_file_atomically(folder_.path("tested.json"), start + mask + "\"}");
  expect_error(ErrorKind::kBadInput, "is damaged", [&] {
    record("two", 0, 10).require_first(mask_of(2.0F));
  });
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
  char& digit = text[text.find(R"("masks":[")") + 10];
  digit = digit == '0' ? '1' : '0';
  write_file_atomically(path, text);
  expect_error(ErrorKind::kBadInput, "is damaged", [&] {
    record("one", 0, 10).require_first(mask_of(1.0F));
  });
  // A run begins a new one, keeps this one, and says so from then on.
  record("one", 0, 10).take(mask_of(2.0F));
  EXPECT_EQ(read_text_file(path + ".damaged"), text);
  EXPECT_TRUE(record("one", 0, 10).has(mask_of(2.0F)));
  const auto warnings = record("one", 0, 10).warnings();
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_EQ(warnings[0].id, "test_record_damaged");
  EXPECT_NO_THROW(record("one", 0, 10).require_first(mask_of(2.0F)));
  expect_error(ErrorKind::kBadInput, "tested.json.damaged is damaged", [&] {
    record("one", 0, 10).require_first(mask_of(3.0F));
  });
  record("one", 0, 10).take(mask_of(3.0F));
  EXPECT_EQ(record("one", 0, 10).warnings().size(), 2U) << "and that two were evaluated since";
}

TEST_F(HoldoutRecordTest, EveryPartOfAMaskMakesItAnother) {
  Mask mask = mask_of(1.0F);
  record("one", 0, 10).take(mask);
  mask.parts = {{SigmaRule::kCalibrated, {0.5F}}};
  mask.sigma = {1.0F};
  EXPECT_FALSE(record("one", 0, 10).has(mask));
  record("one", 0, 10).take(mask);
  mask.parts[0].steer[0] = 0.75F;
  EXPECT_FALSE(record("one", 0, 10).has(mask)) << "the strength of one part";
  mask.parts[0].steer[0] = 0.5F;
  EXPECT_TRUE(record("one", 0, 10).has(mask));
  mask.sigma[0] = 2.0F;
  EXPECT_FALSE(record("one", 0, 10).has(mask)) << "how far its sigmas go";
}

TEST_F(HoldoutRecordTest, ARecordThatNestsWithoutEndIsDamaged) {
  const std::string deep = std::string(300000, '[') + std::string(300000, ']');
  write_file_atomically(folder_.path("tested.json"), "{\"sum\": \"\", \"looks\": " + deep + "}");
  expect_error(ErrorKind::kBadInput, "is damaged", [&] {
    record("one", 0, 10).require_first(mask_of(1.0F));
  });
}

}  // namespace
}  // namespace mascing
