// The adapter's files, read back as PEFT describes them.
#include "export/peft.h"

#include <cstring>
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/expect_error.h"
#include "base/files.h"
#include "base/temporary_folder.h"
#include "format/safetensors.h"
#include "small_model.h"

namespace mascing {
namespace {

const std::string kPeftModule1 = "model.layers.1.mlp.router";
const std::string kPeftModule2 = "model.layers.2.mlp.router";

std::vector<float> floats_in(const std::string& path, const std::string& name) {
  const SafetensorsFile file = SafetensorsFile::open(path);
  const SafetensorsTensor* tensor = file.find(name);
  std::vector<float> values(tensor == nullptr ? 0 : tensor->size_bytes / sizeof(float));
  if (tensor != nullptr) {
    std::memcpy(values.data(), tensor->data, tensor->size_bytes);
  }
  return values;
}

class PeftTest : public testing::Test {
 protected:
  PeftTest() {
    write_small_model(gguf_);
    update_ = small_update(gguf_);
    std::filesystem::create_directory(hf_);
    const auto weight1 = tensor_values(gguf_, "blk.1.ffn_gate_inp.weight");
    const auto weight2 = tensor_values(gguf_, "blk.2.ffn_gate_inp.weight");
    const auto bias1 = tensor_values(gguf_, "blk.1.ffn_gate_inp.bias");
    write_safetensors(
        hf_ + "/model.safetensors",
        {{kPeftModule1 + ".weight", "F32", {kSmallExpert, kSmallEmbd}, weight1.data(), 48},
         {kPeftModule1 + ".bias", "F32", {kSmallExpert}, bias1.data(), 12},
         {kPeftModule2 + ".weight", "F32", {kSmallExpert, kSmallEmbd}, weight2.data(), 48}},
        {});
  }

  [[nodiscard]] nlohmann::json config() const {
    return nlohmann::json::parse(read_text_file(out_ + "/adapter_config.json"));
  }

  TemporaryFolder folder_;
  std::string gguf_ = folder_.path("m.gguf");
  std::string hf_ = folder_.path("hf");
  std::string out_ = folder_.path("out");
  RouterUpdate update_;
};

TEST_F(PeftTest, TheMatricesGiveTheUpdateAtItsStrengthAndAScaleOfOne) {
  write_peft(hf_, out_, update_, false);
  EXPECT_EQ(config()["r"], 2);
  EXPECT_EQ(config()["lora_alpha"], 2);
  const std::string tensors = out_ + "/adapter_model.safetensors";
  for (size_t i = 0; i < update_.layers.size(); ++i) {
    const std::string prefix = "base_model.model." + (i == 0 ? kPeftModule1 : kPeftModule2);
    const std::vector<float> a = floats_in(tensors, prefix + ".lora_A.weight");
    const std::vector<float> b = floats_in(tensors, prefix + ".lora_B.weight");
    ASSERT_EQ(a.size(), static_cast<size_t>(2 * kSmallEmbd));
    ASSERT_EQ(b.size(), static_cast<size_t>(2 * kSmallExpert));
    for (int64_t e = 0; e < kSmallExpert; ++e) {
      std::vector<double> wanted(kSmallEmbd, 0.0);
      add_update_row(update_.layers[i], e, kSmallEmbd, update_.origin.alpha, wanted);
      for (int64_t d = 0; d < kSmallEmbd; ++d) {
        double got = 0.0;
        for (int64_t r = 0; r < 2; ++r) {
          got += static_cast<double>(b[e * 2 + r]) * static_cast<double>(a[r * kSmallEmbd + d]);
        }
        EXPECT_NEAR(got, wanted[d], 1e-6);
      }
    }
  }
}

TEST_F(PeftTest, TheRoutersOfGptOssAreParametersAndThoseOfOthersModules) {
  write_peft(hf_, out_, update_, false);
  EXPECT_EQ(config()["target_parameters"],
            nlohmann::json({kPeftModule1 + ".weight", kPeftModule2 + ".weight"}));
  EXPECT_TRUE(config()["target_modules"].empty());
  update_.origin.architecture = "qwen3moe";
  std::filesystem::remove_all(out_);
  write_peft(hf_, out_, update_, true);
  EXPECT_EQ(config()["target_modules"], nlohmann::json({kPeftModule1, kPeftModule2}));
  EXPECT_FALSE(config().contains("target_parameters"));
  EXPECT_EQ(config()["peft_type"], "LORA");
  EXPECT_EQ(config()["base_model_name_or_path"], "hf");
}

TEST_F(PeftTest, ThisFolderIsCalledByItsName) {
  for (const std::string& name : {hf_ + "/", hf_ + "/.", hf_ + "/../hf"}) {
    std::filesystem::remove_all(out_);
    write_peft(name, out_, update_, false);
    EXPECT_EQ(config()["base_model_name_or_path"], "hf") << name;
  }
}

TEST_F(PeftTest, ANameThatIsNoUtf8IsWrittenWithASignInItsPlace) {
  const std::string odd = folder_.path("hf\xE9");
  std::filesystem::rename(hf_, odd);
  write_peft(odd, out_, update_, false);
  EXPECT_EQ(config()["base_model_name_or_path"], "hf\uFFFD");
}

TEST_F(PeftTest, TheAdapterSaysWhichMaskItHolds) {
  EXPECT_TRUE(describe_peft(hf_).lines.empty());
  write_peft(hf_ + "/", out_, update_, false);
  const PeftRecord record = describe_peft(out_);
  EXPECT_THAT(record.lines, testing::Contains("mask_hash  " + update_.origin.mask_hash));
  EXPECT_THAT(record.lines, testing::Contains("scenario  guard-the-seal"));
  EXPECT_TRUE(record.is_checked);
  EXPECT_EQ(record.changed, "");
}

TEST_F(PeftTest, AChangedFileIsFoundOut) {
  write_peft(hf_, out_, update_, false);
  const std::string tensors = read_text_file(out_ + "/adapter_model.safetensors");
  std::string changed = tensors;
  changed.back() = static_cast<char>(changed.back() ^ 1);
  write_file_atomically(out_ + "/adapter_model.safetensors", changed);
  EXPECT_EQ(describe_peft(out_).changed, "adapter_model.safetensors");
  write_file_atomically(out_ + "/adapter_model.safetensors", tensors);
  nlohmann::json named = config();
  named["base_model_name_or_path"] = "court/kingdom";
  write_file_atomically(out_ + "/adapter_config.json", named.dump(4));
  EXPECT_EQ(describe_peft(out_).changed, "") << "users name the model on the hub";
  write_file_atomically(out_ + "/adapter_config.json", "{}");
  EXPECT_EQ(describe_peft(out_).changed, "adapter_config.json");
}

TEST_F(PeftTest, WhatDoesNotFitIsRefusedAndLeavesNothing) {
  RouterUpdate other = update_;
  other.blocks = {1, 7};
  expect_error(ErrorKind::kMismatch, "has no router", [&] { write_peft(hf_, out_, other, true); });
  other = update_;
  other.origin.fingerprint = std::string(64, '0');
  other.origin.routers = {};
  expect_error(ErrorKind::kMismatch, "not those of", [&] { write_peft(hf_, out_, other, false); });
  other = update_;
  other.layers.clear();
  expect_error(ErrorKind::kUsage, "is empty", [&] { write_peft(hf_, out_, other, true); });
  EXPECT_FALSE(file_exists(out_));
}

}  // namespace
}  // namespace mascing
