// Baking changes routers and nothing else, and can be taken back.
#include "export/bake_gguf.h"

#include <cmath>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/expect_error.h"
#include "base/files.h"
#include "base/temporary_folder.h"
#include "format/gguf.h"
#include "format/model_file.h"
#include "small_model.h"

namespace mascing {
namespace {

constexpr const char* kWeight1 = "blk.1.ffn_gate_inp.weight";
constexpr const char* kWeight2 = "blk.2.ffn_gate_inp.weight";
constexpr const char* kBias1 = "blk.1.ffn_gate_inp.bias";

class BakeGgufTest : public testing::Test {
 protected:
  BakeGgufTest() {
    write_small_model(model_);
    update_ = small_update(model_);
  }
  BakeReport bake(const std::string& output) {
    return bake_gguf(model_, output, update_, plain_codec());
  }

  TemporaryFolder folder_;
  std::string model_ = folder_.path("m.gguf");
  std::string baked_ = folder_.path("baked.gguf");
  RouterUpdate update_;
};

TEST_F(BakeGgufTest, RoutersGainStrengthTimesUpTimesDown) {
  bake(baked_);
  const std::vector<float> before = tensor_values(model_, kWeight1);
  const std::vector<float> after = tensor_values(baked_, kWeight1);
  const LayerUpdate& layer = update_.layers[0];
  for (int64_t e = 0; e < kSmallExpert; ++e) {
    for (int64_t d = 0; d < kSmallEmbd; ++d) {
      double wanted = before[e * kSmallEmbd + d];
      for (int64_t r = 0; r < 2; ++r) {
        wanted += 0.5 * static_cast<double>(layer.up[e * 2 + r]) *
                  static_cast<double>(layer.down[r * kSmallEmbd + d]);
      }
      EXPECT_EQ(after[e * kSmallEmbd + d], static_cast<float>(wanted));
    }
  }
}

TEST_F(BakeGgufTest, AllOtherTensorsKeepTheirBytes) {
  bake(baked_);
  const GgufFile before = GgufFile::open(model_);
  for (const GgufTensor& tensor : before.tensors()) {
    const bool is_router = tensor.name == kWeight1 || tensor.name == kWeight2;
    EXPECT_EQ(tensor_values(baked_, tensor.name) != tensor_values(model_, tensor.name), is_router)
        << tensor.name;
  }
  const GgufFile after = GgufFile::open(baked_);
  EXPECT_EQ(after.get_string("mascing.fingerprint"), read_model_info(model_).fingerprint);
  EXPECT_EQ(after.get_string("general.name"), "tiny");
}

TEST_F(BakeGgufTest, AShiftGoesToTheBias) {
  update_.layers[0].shift = {2.0F, 4.0F, -6.0F};
  update_.layers[0].rank = 0;
  bake(baked_);
  EXPECT_THAT(tensor_values(baked_, kBias1), testing::ElementsAre(0.0F, 2.0F, -2.0F));
  EXPECT_EQ(tensor_values(baked_, kWeight1), tensor_values(model_, kWeight1));
}

TEST_F(BakeGgufTest, AShiftForARouterWithoutBiasIsRefused) {
  update_.layers[1].shift = {1.0F, 1.0F, 1.0F};
  expect_error(ErrorKind::kBadInput, "has no bias", [&] { bake(baked_); });
  EXPECT_FALSE(file_exists(baked_));
}

TEST_F(BakeGgufTest, UnbakingRestoresTheOriginalByteForByte) {
  bake(baked_);
  unbake_gguf(baked_, folder_.path("again.gguf"));
  EXPECT_EQ(read_text_file(folder_.path("again.gguf")), read_text_file(model_));
}

/// The model with another general.alignment.
void write_aligned(const std::string& model, uint32_t alignment, const std::string& path) {
  const GgufFile file = GgufFile::open(model);
  const std::string_view metadata = file.metadata_bytes();
  GgufWriter keys;
  keys.set_uint32("general.alignment", alignment);
  std::string text(metadata);
  text[GgufFile::kKeyCountOffset] = static_cast<char>(file.n_key() + 1);
  text += keys.metadata_bytes();
  text += file.header_bytes().substr(metadata.size());
  text += std::string((alignment - text.size() % alignment) % alignment, '\0');
  text += file.file().bytes().substr(file.data_offset());
  write_file_atomically(path, text);
}

TEST_F(BakeGgufTest, WhereTensorsAreLessAlignedTheyMoveByAMultipleOf32) {
  constexpr size_t kPlaces = 32;  // of which llama.cpp wants tensors at multiples
  const std::string plain = model_;
  for (const uint32_t alignment : {8U, 16U, 32U}) {
    model_ = folder_.path("aligned.gguf");
    write_aligned(plain, alignment, model_);
    update_ = small_update(model_);
    for (const size_t n_letter : {0U, 8U, 16U, 24U}) {
      update_.origin.scenario = std::string(n_letter, 's');
      bake(baked_);
      const GgufFile before = GgufFile::open(model_);
      const GgufFile after = GgufFile::open(baked_);
      EXPECT_EQ(after.data_offset() % kPlaces, before.data_offset() % kPlaces) << alignment;
      EXPECT_EQ(after.has("mascing.bake.padding"), alignment < kPlaces);
      EXPECT_EQ(tensor_values(baked_, "token_embd.weight"),
                tensor_values(model_, "token_embd.weight"));
      unbake_gguf(baked_, folder_.path("again.gguf"));
      EXPECT_EQ(read_text_file(folder_.path("again.gguf")), read_text_file(model_));
    }
  }
}

TEST_F(BakeGgufTest, TheRecordTellsMaskStrengthAndFit) {
  EXPECT_FALSE(read_bake(model_).has_value());
  update_.fidelity.n_token = 5;
  bake(baked_);
  const auto record = read_bake(baked_);
  ASSERT_TRUE(record.has_value());
  EXPECT_TRUE(record->is_intact);
  EXPECT_TRUE(record->can_undo);
  EXPECT_EQ(record->update.origin.mask_hash, update_.origin.mask_hash);
  EXPECT_EQ(record->update.origin.alpha, 0.5);
  EXPECT_EQ(record->update.layers[0].quality.same_experts, 0.96875);
  EXPECT_EQ(record->update.layers[0].rank, 2);
  EXPECT_EQ(record->update.layers[1].rank, 1);
  EXPECT_EQ(record->update.fidelity.n_token, 5);
}

TEST_F(BakeGgufTest, AChangedRouterIsNoticedAndNotUnbaked) {
  bake(baked_);
  const GgufFile file = GgufFile::open(baked_);
  const auto place = file.find_tensor(kWeight1)->data - file.file().data();
  std::fstream edit(baked_, std::ios::in | std::ios::out | std::ios::binary);
  edit.seekp(place);
  edit.put('\x55');
  edit.close();
  EXPECT_FALSE(read_bake(baked_)->is_intact);
  expect_error(ErrorKind::kBadInput, "changed after it was baked", [&] {
    unbake_gguf(baked_, folder_.path("again.gguf"));
  });
}

TEST_F(BakeGgufTest, LostOldBytesAreNoticedAndNotUnbaked) {
  bake(baked_);
  std::filesystem::resize_file(baked_, std::filesystem::file_size(baked_) - 1);
  const auto record = read_bake(baked_);
  EXPECT_TRUE(record->is_intact);
  EXPECT_FALSE(record->can_undo);
  expect_error(ErrorKind::kBadInput, "missing or damaged", [&] {
    unbake_gguf(baked_, folder_.path("again.gguf"));
  });
  EXPECT_FALSE(file_exists(folder_.path("again.gguf")));
}

TEST_F(BakeGgufTest, ASplitModelIsBakedPartByPartAndTheRestIsLinked) {
  const std::string first = write_split_model(folder_.path("s"));
  update_ = small_update(first);
  const BakeReport report = bake_gguf(first, folder_.path("t.gguf"), update_, plain_codec());
  ASSERT_EQ(report.files.size(), 2U);
  EXPECT_EQ(report.files[0], folder_.path("t-00001-of-00002.gguf"));
  EXPECT_TRUE(std::filesystem::equivalent(first, report.files[0]));
  const auto record = read_bake(report.files[0]);
  ASSERT_TRUE(record.has_value());
  EXPECT_TRUE(record->can_undo);
  const auto restored = unbake_gguf(report.files[0], folder_.path("u.gguf"));
  EXPECT_EQ(read_text_file(restored[1]), read_text_file(folder_.path("s-00002-of-00002.gguf")));
}

TEST_F(BakeGgufTest, ASplitModelIsBakedAgainUnderTheSameName) {
  const std::string first = write_split_model(folder_.path("s"));
  update_ = small_update(first);
  const BakeReport before = bake_gguf(first, folder_.path("t.gguf"), update_, plain_codec());
  const std::string bytes = read_text_file(before.files[1]);
  update_.origin.alpha = 2.0;
  const BakeReport after = bake_gguf(first, folder_.path("t.gguf"), update_, plain_codec());
  EXPECT_EQ(after.files, before.files);
  EXPECT_TRUE(std::filesystem::equivalent(first, after.files[0]));
  EXPECT_NE(read_text_file(after.files[1]), bytes);
  expect_error(ErrorKind::kUsage, "is the model itself", [&] {
    bake_gguf(first, folder_.path("s.gguf"), update_, plain_codec());
  });
}

TEST_F(BakeGgufTest, DamageBesideTheRoutersIsNoticedAndNotUnbaked) {
  bake(baked_);
  EXPECT_TRUE(read_bake(baked_)->is_rest_checked);
  const GgufFile file = GgufFile::open(baked_);
  const auto place = file.find_tensor("output.weight")->data - file.file().data();
  std::string bytes = read_text_file(baked_);
  std::string old = bytes;  // of an earlier version: the key has another name
  bytes[place] = static_cast<char>(bytes[place] ^ 1);
  write_file_atomically(baked_, bytes);
  EXPECT_TRUE(read_bake(baked_)->is_intact);
  EXPECT_FALSE(read_bake(baked_)->can_undo);
  expect_error(
      ErrorKind::kBadInput, "damaged", [&] { unbake_gguf(baked_, folder_.path("again.gguf")); });
  old[old.find("mascing.bake.rest_hash")] = 'M';
  write_file_atomically(baked_, old);
  EXPECT_FALSE(read_bake(baked_)->is_rest_checked);
  unbake_gguf(baked_, folder_.path("again.gguf"));
  EXPECT_EQ(read_text_file(folder_.path("again.gguf")), read_text_file(model_));
}

TEST_F(BakeGgufTest, ARecordThatFitsNoFileIsNotFollowed) {
  bake(baked_);
  const std::string bytes = read_text_file(baked_);
  const auto expect_no_undo = [&](const std::string& crafted) {
    write_file_atomically(baked_, crafted);
    EXPECT_FALSE(read_bake(baked_)->can_undo);
  };
  std::string sized = bytes;
  const uint64_t size = UINT64_MAX - 7;
  const std::string size_key = "mascing.bake.size";
  std::memcpy(sized.data() + sized.find(size_key) + size_key.size() + 4, &size, sizeof size);
  expect_no_undo(sized);
  std::string twice = bytes;  // both names are now the same
  const size_t names = twice.find("mascing.bake.routers");
  twice.replace(twice.find(kWeight2, names), std::strlen(kWeight2), kWeight1);
  expect_no_undo(twice);
}

TEST_F(BakeGgufTest, WhatDoesNotBelongTogetherIsRefusedAndNothingWritten) {
  write_small_model(folder_.path("other.gguf"), 9.0F);
  expect_error(ErrorKind::kMismatch, "was made for", [&] {
    bake_gguf(folder_.path("other.gguf"), baked_, update_, plain_codec());
  });
  expect_error(ErrorKind::kUsage, "is the model itself", [&] { bake(model_); });
  bake(baked_);
  expect_error(ErrorKind::kBadInput, "already baked", [&] {
    bake_gguf(baked_, folder_.path("twice.gguf"), update_, plain_codec());
  });
  expect_error(ErrorKind::kBadInput, "is not baked", [&] {
    unbake_gguf(model_, folder_.path("again.gguf"));
  });
  EXPECT_EQ(folder_.n_entry(), 3);
}

TEST_F(BakeGgufTest, InterruptedItLeavesNothing) {
  const Progress stop = [](const ProgressEvent&) { return false; };
  expect_error(ErrorKind::kInterrupted, "", [&] {
    bake_gguf(model_, baked_, update_, plain_codec(), stop);
  });
  EXPECT_EQ(folder_.n_entry(), 1);
}

TEST_F(BakeGgufTest, ValuesThatAreNotFiniteAreNotBaked) {
  update_.layers[0].up[0] = NAN;
  expect_error(ErrorKind::kBadInput, "not finite", [&] { bake(baked_); });
  EXPECT_EQ(folder_.n_entry(), 1);
}

TEST_F(BakeGgufTest, RoundingLossIsZeroInF32) {
  for (const RoundingLoss& loss : bake(baked_).losses) {
    EXPECT_EQ(loss.loss, 0.0);
    EXPECT_EQ(loss.type, "f32");
  }
}

}  // namespace
}  // namespace mascing
