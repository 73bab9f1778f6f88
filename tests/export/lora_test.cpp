// The adapter as llama.cpp will read it.
#include "export/lora.h"

#include <cmath>
#include <cstring>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/expect_error.h"
#include "base/files.h"
#include "base/temporary_folder.h"
#include "format/gguf.h"
#include "format/mutate.h"
#include "small_model.h"

namespace mascing {
namespace {

/// The file with another value some bytes behind a key.
template <typename T>
std::string with_value(std::string bytes, const std::string& key, size_t n_skip, T value) {
  std::memcpy(bytes.data() + bytes.find(key) + key.size() + n_skip, &value, sizeof value);
  return bytes;
}

class LoraTest : public testing::Test {
 protected:
  LoraTest() {
    write_small_model(model_);
    update_ = small_update(model_);
  }

  TemporaryFolder folder_;
  std::string model_ = folder_.path("m.gguf");
  std::string path_ = folder_.path("a.gguf");
  RouterUpdate update_;
};

TEST_F(LoraTest, CarriesWhatStockLlamaCppAsksFor) {
  write_lora(path_, update_);
  const GgufFile file = GgufFile::open(path_);
  EXPECT_EQ(file.get_string("general.type"), "adapter");
  EXPECT_EQ(file.get_string("adapter.type"), "lora");
  EXPECT_EQ(file.get_string("general.architecture"), "gpt-oss");
  EXPECT_EQ(file.get_float("adapter.lora.alpha"), 2.0);
  ASSERT_EQ(file.tensors().size(), 4U);
  EXPECT_EQ(file.find_tensor("blk.1.ffn_gate_inp.weight.lora_a")->dims,
            (std::vector<int64_t>{kSmallEmbd, 2}));
  EXPECT_EQ(file.find_tensor("blk.1.ffn_gate_inp.weight.lora_b")->dims,
            (std::vector<int64_t>{2, kSmallExpert}));
}

TEST_F(LoraTest, ALayerOfSmallerRankIsFilledUpWithZeros) {
  write_lora(path_, update_);
  const std::vector<float> down = tensor_values(path_, "blk.2.ffn_gate_inp.weight.lora_a");
  const std::vector<float> up = tensor_values(path_, "blk.2.ffn_gate_inp.weight.lora_b");
  const LayerUpdate& layer = update_.layers[1];
  for (int64_t d = 0; d < kSmallEmbd; ++d) {
    EXPECT_EQ(down[d], layer.down[d]);
    EXPECT_EQ(down[kSmallEmbd + d], 0.0F);
  }
  for (int64_t e = 0; e < kSmallExpert; ++e) {
    EXPECT_EQ(up[2 * e], layer.up[e]);
    EXPECT_EQ(up[2 * e + 1], 0.0F);
  }
}

TEST_F(LoraTest, WrittenAgainAfterReadingItGivesTheSameBytes) {
  update_.fidelity.n_token = 7;
  update_.fidelity.same_experts = {0.5, 1.0};
  update_.fidelity.overlap = {0.75, 1.0};
  write_lora(path_, update_);
  const RouterUpdate again = read_lora(path_);
  EXPECT_EQ(again.origin.mask_hash, update_.origin.mask_hash);
  EXPECT_EQ(again.origin.alpha, 0.5);
  EXPECT_EQ(again.layers[0].quality.same_experts, 0.96875);
  EXPECT_EQ(again.fidelity.n_token, 7);
  EXPECT_EQ(again.layers[0].rank, 2);
  EXPECT_EQ(again.layers[1].rank, 1);
  EXPECT_EQ(again.layers[1].up, update_.layers[1].up);
  EXPECT_EQ(again.layers[1].down, update_.layers[1].down);
  write_lora(folder_.path("b.gguf"), again);
  EXPECT_EQ(read_text_file(path_), read_text_file(folder_.path("b.gguf")));
}

TEST_F(LoraTest, AnUpdateThatAnAdapterCannotCarryIsRefused) {
  RouterUpdate shifted = update_;
  shifted.layers[0].shift = {1.0F, 2.0F, 3.0F};
  expect_error(ErrorKind::kUsage, "bias", [&] { write_lora(path_, shifted); });
  RouterUpdate empty = update_;
  empty.layers.clear();
  expect_error(ErrorKind::kUsage, "nothing to export", [&] { write_lora(path_, empty); });
  EXPECT_FALSE(file_exists(path_));
}

TEST_F(LoraTest, OtherFilesAreToldApart) {
  expect_error(ErrorKind::kBadInput, "not a lora export", [&] { (void)read_lora(model_); });
}

TEST_F(LoraTest, AScaleThatIsNoRankIsRefused) {
  write_lora(path_, update_);
  const std::string bytes = read_text_file(path_);
  for (const float alpha : {NAN, INFINITY, 1e30F, -1.0F, 0.0F}) {
    write_file_atomically(path_, with_value(bytes, "adapter.lora.alpha", sizeof(uint32_t), alpha));
    expect_error(ErrorKind::kBadInput, "expected the rank", [&] { (void)read_lora(path_); });
  }
}

TEST_F(LoraTest, ALayerOrABlockThatIsNamedTwiceIsRefused) {
  write_lora(path_, update_);
  const std::string bytes = read_text_file(path_);
  // Behind the types of array and element, the count and the first element.
  constexpr size_t kSecond = 2 * sizeof(uint32_t) + sizeof(uint64_t) + sizeof(int64_t);
  for (const char* key : {"mascing.fit.layers", "mascing.blocks"}) {
    const size_t first = bytes.find(key) + std::strlen(key) + kSecond - sizeof(int64_t);
    int64_t value = 0;
    std::memcpy(&value, bytes.data() + first, sizeof value);
    write_file_atomically(path_, with_value(bytes, key, kSecond, value));
    expect_error(ErrorKind::kBadInput, key, [&] { (void)read_lora(path_); });
  }
}

TEST_F(LoraTest, AChangedNumberIsNoticedByTheChecksum) {
  write_lora(path_, update_);
  const GgufFile file = GgufFile::open(path_);
  const auto place =
      file.find_tensor("blk.1.ffn_gate_inp.weight.lora_b")->data - file.file().data();
  const std::string bytes = read_text_file(path_);
  const auto with_number = [&](std::string changed, float value) {
    std::memcpy(changed.data() + place, &value, sizeof value);
    write_file_atomically(path_, changed);
  };
  with_number(bytes, 2e33F);
  expect_error(
      ErrorKind::kBadInput, "does not match its checksum", [&] { (void)read_lora(path_); });
  std::string old = bytes;  // of an earlier version: no such key
  old[old.find("mascing.checksum")] = 'M';
  with_number(old, 2.0F);
  EXPECT_EQ(read_lora(path_).layers[0].up[0], 2.0F);
  with_number(old, NAN);
  expect_error(ErrorKind::kBadInput, "not finite", [&] { (void)read_lora(path_); });
}

TEST_F(LoraTest, AnUpdateThatIsNotFiniteIsNotWritten) {
  update_.layers[0].up[1] = INFINITY;
  expect_error(ErrorKind::kInsufficient, "not finite", [&] { write_lora(path_, update_); });
  EXPECT_FALSE(file_exists(path_));
}

TEST_F(LoraTest, DamagedFilesAreRefusedOrRead) {
  // With rank 8 the last tensor ends where the file does: nobody would miss bytes of padding.
  update_.layers.pop_back();
  update_.layers[0].rank = 8;
  update_.layers[0].down.resize(8 * kSmallEmbd, 0.5F);
  update_.layers[0].up.resize(kSmallExpert * 8, 0.25F);
  write_lora(path_, update_);
  survive_mutations(
      path_, folder_.path("x.gguf"), [](const std::string& path) { (void)read_lora(path); });
}

}  // namespace
}  // namespace mascing
