// Folders as Hugging Face has them, small enough to be made here.
#include "export/bake_hf.h"

#include <cstring>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>

#include "base/expect_error.h"
#include "base/files.h"
#include "base/folder_lock.h"
#include "base/half.h"
#include "base/temporary_folder.h"
#include "export/hf_folder.h"
#include "format/safetensors.h"
#include "small_model.h"

namespace mascing {
namespace {

namespace fs = std::filesystem;

const std::string kHfWeight1 = "model.layers.1.mlp.router.weight";
const std::string kHfWeight2 = "model.layers.2.mlp.router.weight";
const std::string kHfBias1 = "model.layers.1.mlp.router.bias";

std::vector<uint16_t> bfloats(const std::vector<float>& values) {
  std::vector<uint16_t> bits;
  for (const float value : values) {
    bits.push_back(float_to_bfloat(value));
  }
  return bits;
}

std::vector<float> read_bfloats(const std::string& path, const std::string& name) {
  const SafetensorsFile file = SafetensorsFile::open(path);
  const SafetensorsTensor* tensor = file.find(name);
  std::vector<float> values;
  for (size_t i = 0; tensor != nullptr && i < tensor->size_bytes; i += 2) {
    uint16_t bits = 0;
    std::memcpy(&bits, tensor->data + i, 2);
    values.push_back(bfloat_to_float(bits));
  }
  return values;
}

class BakeHfTest : public testing::Test {
 protected:
  BakeHfTest() {
    write_small_model(gguf_);
    update_ = small_update(gguf_);
    fs::create_directory(hf_);
    const std::vector<float> other = {1.0F, 2.0F, 3.0F};
    const auto weight1 = bfloats(tensor_values(gguf_, "blk.1.ffn_gate_inp.weight"));
    const auto weight2 = bfloats(tensor_values(gguf_, "blk.2.ffn_gate_inp.weight"));
    const auto bias1 = bfloats(tensor_values(gguf_, "blk.1.ffn_gate_inp.bias"));
    write_safetensors(shard(1),
                      {{kHfWeight1, "BF16", {kSmallExpert, kSmallEmbd}, weight1.data(), 24},
                       {kHfBias1, "BF16", {kSmallExpert}, bias1.data(), 6},
                       {"model.embed_tokens.weight", "F32", {3}, other.data(), 12}},
                      {{"format", "pt"}});
    write_safetensors(shard(2),
                      {{kHfWeight2, "BF16", {kSmallExpert, kSmallEmbd}, weight2.data(), 24}},
                      {{"format", "pt"}});
    write_safetensors(shard(3), {{"lm_head.weight", "F32", {3}, other.data(), 12}}, {});
    write_index({{kHfWeight1, 1},
                 {kHfBias1, 1},
                 {"model.embed_tokens.weight", 1},
                 {kHfWeight2, 2},
                 {"lm_head.weight", 3}});
    write_file_atomically(hf_ + "/config.json", "{}\n");
    write_file_atomically(hf_ + "/pytorch_model.bin", "not steered");
  }

  [[nodiscard]] static std::string shard_name(int i) {
    return "model-0000" + std::to_string(i) + "-of-00003.safetensors";
  }
  [[nodiscard]] std::string shard(int i) const { return hf_ + "/" + shard_name(i); }
  void write_index(const std::vector<std::pair<std::string, int>>& map) const {
    nlohmann::json index = {{"metadata", {{"total_size", 78}}}, {"weight_map", {}}};
    for (const auto& [name, i] : map) {
      index["weight_map"][name] = shard_name(i);
    }
    write_file_atomically(hf_ + "/model.safetensors.index.json", index.dump());
  }

  TemporaryFolder folder_;
  std::string gguf_ = folder_.path("m.gguf");
  std::string hf_ = folder_.path("hf");
  std::string out_ = folder_.path("out");
  RouterUpdate update_;
};

TEST_F(BakeHfTest, RoutersGainTheUpdateRoundedToTheirType) {
  const HfReport report = bake_hf(hf_, out_, update_, false);
  const std::vector<float> before = read_bfloats(shard(1), kHfWeight1);
  const std::vector<float> after = read_bfloats(out_ + "/" + shard_name(1), kHfWeight1);
  ASSERT_EQ(after.size(), 12U);
  for (int64_t e = 0; e < kSmallExpert; ++e) {
    std::vector<double> row(before.begin() + e * kSmallEmbd, before.begin() + (e + 1) * kSmallEmbd);
    add_update_row(update_.layers[0], e, kSmallEmbd, 0.5, row);
    for (int64_t d = 0; d < kSmallEmbd; ++d) {
      const auto wanted = static_cast<float>(row[d]);
      EXPECT_EQ(after[e * kSmallEmbd + d], bfloat_to_float(float_to_bfloat(wanted)));
    }
  }
  for (const RoundingLoss& loss : report.losses) {
    EXPECT_EQ(loss.type, "BF16");
    EXPECT_LT(loss.loss, 0.01);
  }
}

TEST_F(BakeHfTest, FilesWithoutRoutersAreLinkedAndOtherWeightsLeftOut) {
  const HfReport report = bake_hf(hf_, out_, update_, false);
  EXPECT_THAT(report.rewritten, testing::ElementsAre(shard_name(1), shard_name(2)));
  EXPECT_THAT(report.skipped, testing::ElementsAre("pytorch_model.bin"));
  EXPECT_TRUE(fs::equivalent(shard(3), out_ + "/" + shard_name(3)));
  EXPECT_TRUE(file_exists(out_ + "/config.json"));
  EXPECT_FALSE(file_exists(out_ + "/pytorch_model.bin"));
  EXPECT_EQ(read_text_file(hf_ + "/model.safetensors.index.json"),
            read_text_file(out_ + "/model.safetensors.index.json"));
}

TEST_F(BakeHfTest, FoldersWithoutWeightsAreCopiedAndTheirLinksChecked) {
  fs::create_directories(hf_ + "/additional_chat_templates/de");
  write_file_atomically(hf_ + "/additional_chat_templates/tool.jinja", "tools");
  write_file_atomically(hf_ + "/additional_chat_templates/de/tool.jinja", "Werkzeug");
  fs::create_directories(hf_ + "/onnx");
  write_file_atomically(hf_ + "/onnx/model.onnx", "not steered");
  fs::create_directories(hf_ + "/.cache");
  write_file_atomically(hf_ + "/.cache/download", "");
  const HfReport report = bake_hf(hf_, out_, update_, false);
  EXPECT_EQ(read_text_file(out_ + "/additional_chat_templates/tool.jinja"), "tools");
  EXPECT_EQ(read_text_file(out_ + "/additional_chat_templates/de/tool.jinja"), "Werkzeug");
  EXPECT_THAT(report.skipped, testing::ElementsAre(".cache", "onnx", "pytorch_model.bin"));
  EXPECT_FALSE(file_exists(out_ + "/onnx"));
  write_file_atomically(folder_.path("secret"), "not for publication");
  fs::create_symlink(folder_.path("secret"), hf_ + "/additional_chat_templates/link.jinja");
  expect_error(ErrorKind::kBadInput, "link.jinja is a link to a file outside", [&] {
    bake_hf(hf_, folder_.path("other"), update_, false);
  });
}

TEST_F(BakeHfTest, AChangeThatRoundingTakesAwayIsRefused) {
  update_.origin.alpha = 1e-4;
  expect_error(
      ErrorKind::kBadInput, "lost to rounding", [&] { bake_hf(hf_, out_, update_, false); });
  EXPECT_FALSE(file_exists(out_));
}

TEST_F(BakeHfTest, NothingButRouterBytesChangesInARewrittenFile) {
  bake_hf(hf_, out_, update_, false);
  const std::string before = read_text_file(shard(1));
  const std::string after = read_text_file(out_ + "/" + shard_name(1));
  const SafetensorsFile file = SafetensorsFile::open(shard(1));
  const auto begin = static_cast<size_t>(file.find(kHfWeight1)->data - file.file().data());
  ASSERT_EQ(before.size(), after.size());
  for (size_t i = 0; i < before.size(); ++i) {
    if (i < begin || i >= begin + 24) {
      ASSERT_EQ(before[i], after[i]) << "byte " << i;
    }
  }
  EXPECT_NE(before, after);
}

TEST_F(BakeHfTest, AShiftGoesToTheBias) {
  update_.layers[0].shift = {2.0F, 4.0F, -6.0F};
  bake_hf(hf_, out_, update_, false);
  EXPECT_THAT(read_bfloats(out_ + "/" + shard_name(1), kHfBias1),
              testing::ElementsAre(0.0F, 2.0F, -2.0F));
}

TEST_F(BakeHfTest, AFolderOfAnotherModelIsRefusedUnlessTheUserInsists) {
  write_small_model(gguf_, 0.75F);
  update_ = small_update(gguf_);
  expect_error(
      ErrorKind::kMismatch, "not those of 'tiny'", [&] { bake_hf(hf_, out_, update_, false); });
  EXPECT_FALSE(file_exists(out_));
  bake_hf(hf_, out_, update_, true);
  EXPECT_TRUE(file_exists(out_));
}

TEST_F(BakeHfTest, AMaskOfOtherLayersOrWidthIsRefused) {
  RouterUpdate other = update_;
  other.blocks = {1, 5};
  expect_error(ErrorKind::kMismatch, "has no router", [&] { bake_hf(hf_, out_, other, true); });
  other = update_;
  other.n_embd = 8;
  expect_error(ErrorKind::kMismatch, "shape", [&] { bake_hf(hf_, out_, other, true); });
}

TEST_F(BakeHfTest, ABiasOfAnotherLengthIsRefused) {
  update_.layers[0].shift = {2.0F, 4.0F, -6.0F};
  const auto weight1 = bfloats(tensor_values(gguf_, "blk.1.ffn_gate_inp.weight"));
  const std::vector<uint16_t> long_bias(64, 0);
  const std::vector<float> other = {1.0F, 2.0F, 3.0F};
  write_safetensors(shard(1),
                    {{kHfWeight1, "BF16", {kSmallExpert, kSmallEmbd}, weight1.data(), 24},
                     {kHfBias1, "BF16", {64}, long_bias.data(), 128},
                     {"model.embed_tokens.weight", "F32", {3}, other.data(), 12}},
                    {});
  expect_error(
      ErrorKind::kMismatch, "is not of shape [3]", [&] { bake_hf(hf_, out_, update_, true); });
}

TEST_F(BakeHfTest, BrokenFoldersAreNamedAndNothingIsWritten) {
  const auto expect_bad = [&](const std::string& words) {
    expect_error(ErrorKind::kBadInput, words, [&] { bake_hf(hf_, out_, update_, false); });
    EXPECT_FALSE(file_exists(out_)) << words;
  };
  const std::string good = read_text_file(shard(2));
  write_file_atomically(shard(2), "\xFF" + good.substr(1));
  expect_bad(shard_name(2));
  write_file_atomically(shard(2), good.substr(0, good.size() - 1));
  expect_bad("truncated");
  fs::remove(shard(2));
  expect_bad("which is missing");
  write_file_atomically(shard(2), good);
  write_index({{kHfWeight1, 1}, {kHfBias1, 1}, {kHfWeight2, 3}});
  expect_bad("but it is not");
  write_file_atomically(hf_ + "/model.safetensors.index.json",
                        "{\"weight_map\": {\"a\": \"../x\"}}");
  expect_bad("has no file");
  write_file_atomically(hf_ + "/model.safetensors.index.json", "[]");
  expect_bad("weight_map");
  EXPECT_EQ(folder_.n_entry(), 2);
}

TEST_F(BakeHfTest, AnOutputInUseIsRefused) {
  expect_error(ErrorKind::kUsage, "already exists", [&] { bake_hf(hf_, hf_, update_, false); });
  bake_hf(hf_, out_, update_, false);
  expect_error(ErrorKind::kUsage, "already exists", [&] { bake_hf(hf_, out_, update_, false); });
  expect_error(ErrorKind::kBadInput, "already baked", [&] {
    bake_hf(out_, folder_.path("twice"), update_, false);
  });
}

TEST_F(BakeHfTest, ASlashBehindTheNameChangesNothing) {
  bake_hf(hf_ + "/", out_ + "/", update_, false);
  EXPECT_TRUE(file_exists(out_ + "/mascing.json"));
  EXPECT_EQ(folder_.n_entry(), 3);
}

TEST_F(BakeHfTest, WhatAKilledProcessLeftIsRemovedAndWhatARunningOneWritesIsNot) {
  const std::string abandoned = out_ + ".tmp-0";
  const std::string running = out_ + ".tmp-1";
  const std::string unknown = out_ + ".tmp-2";  // of an earlier version, or of somebody
  const std::string other = out_ + ".tmp-notes";
  for (const std::string& path : {abandoned, running, unknown, other}) {
    fs::create_directory(path);
    write_file_atomically(path + "/part.safetensors", "half");
  }
  write_file_atomically(abandoned + "/.work-lock", "");
  const FolderLock lock(running);
  bake_hf(hf_, out_, update_, false);
  EXPECT_FALSE(file_exists(abandoned));
  EXPECT_FALSE(file_exists(out_ + "/part.safetensors"));
  EXPECT_FALSE(file_exists(out_ + "/.work-lock"));
  for (const std::string& path : {running, unknown, other}) {
    EXPECT_TRUE(file_exists(path + "/part.safetensors")) << path;
  }
}

TEST_F(BakeHfTest, AnEmptyFileIsNoEmptyFolder) {
  write_file_atomically(out_, "");
  expect_error(ErrorKind::kUsage, "already exists", [&] { bake_hf(hf_, out_, update_, false); });
}

TEST_F(BakeHfTest, TheRecordNoticesAChangedRouter) {
  EXPECT_TRUE(describe_hf_bake(hf_).lines.empty());
  bake_hf(hf_, out_, update_, false);
  EXPECT_THAT(describe_hf_bake(out_).lines, testing::Contains("routers  intact"));
  EXPECT_EQ(describe_hf_bake(out_).n_changed, 0);
  const std::string path = out_ + "/" + shard_name(2);
  std::string bytes = read_text_file(path);
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  write_file_atomically(path, bytes);
  EXPECT_THAT(describe_hf_bake(out_).lines,
              testing::Contains(testing::HasSubstr("changed after baking")));
  EXPECT_EQ(describe_hf_bake(out_).n_changed, 1);
}

TEST_F(BakeHfTest, LinksThatLeaveTheFolderAreRefusedByName) {
  write_file_atomically(folder_.path("secret"), "not for publication");
  fs::create_symlink(folder_.path("secret"), hf_ + "/tokenizer.json");
  expect_error(ErrorKind::kBadInput, "tokenizer.json is a link to a file outside", [&] {
    bake_hf(hf_, out_, update_, false);
  });
  EXPECT_FALSE(file_exists(out_));
  fs::remove(hf_ + "/tokenizer.json");
  fs::create_symlink("config.json", hf_ + "/tokenizer.json");
  bake_hf(hf_, out_, update_, false);
  EXPECT_EQ(read_text_file(out_ + "/tokenizer.json"), "{}\n");
}

TEST_F(BakeHfTest, TheHubsCacheKeepsItsFilesInBlobs) {
  const std::string hub = folder_.path("hub/snapshots/abc");
  const std::string blobs = folder_.path("hub/blobs");
  fs::create_directories(hub);
  fs::create_directories(blobs);
  for (const auto& entry : fs::directory_iterator(hf_)) {
    const std::string name = entry.path().filename().string();
    fs::copy_file(entry.path(), blobs + "/" + name);
    fs::create_symlink("../../blobs/" + name, hub + "/" + name);
  }
  bake_hf(hub, out_, update_, false);
  EXPECT_EQ(read_text_file(out_ + "/config.json"), "{}\n");
  EXPECT_FALSE(fs::is_symlink(out_ + "/config.json"));
}

TEST_F(BakeHfTest, PipesAndBrokenLinksAreNotPassedOver) {
  fs::remove(hf_ + "/config.json");
  ASSERT_EQ(::mkfifo((hf_ + "/config.json").c_str(), 0600), 0);
  const auto expect_named = [&] {
    expect_error(ErrorKind::kBadInput, "config.json is not a readable file", [&] {
      bake_hf(hf_, out_, update_, false);
    });
  };
  expect_named();
  for (const char* target : {"config.json", "none"}) {
    fs::remove(hf_ + "/config.json");
    fs::create_symlink(target, hf_ + "/config.json");
    expect_named();
  }
}

TEST_F(BakeHfTest, EditingACopiedConfigLeavesTheOriginalAlone) {
  bake_hf(hf_, out_, update_, false);
  std::ofstream(out_ + "/config.json") << "edited";
  EXPECT_EQ(read_text_file(hf_ + "/config.json"), "{}\n");
}

TEST_F(BakeHfTest, ARecordWithValuesOfOtherTypesIsNamed) {
  bake_hf(hf_, out_, update_, false);
  const std::string path = out_ + "/mascing.json";
  const nlohmann::json good = nlohmann::json::parse(read_text_file(path));
  const auto expect_named = [&](const nlohmann::json& bad, const std::string& words) {
    write_file_atomically(path, bad.dump());
    expect_error(ErrorKind::kBadInput, words, [&] { (void)describe_hf_bake(out_); });
  };
  for (const auto& [key, value] : good.items()) {
    if (key == "tool_version" || key == "direction") {
      continue;  // not read
    }
    nlohmann::json bad = good;
    bad[key] = nlohmann::json::array({1});
    expect_named(bad, key == "routers" ? "is damaged" : "\"" + key + "\" is of another type");
  }
  nlohmann::json bad = good;
  bad["routers"].begin().value() = 5;
  expect_named(bad, "is of another type");
}

TEST_F(BakeHfTest, ARecordThatNestsWithoutEndIsDamaged) {
  bake_hf(hf_, out_, update_, false);
  const std::string deep = std::string(300000, '[') + std::string(300000, ']');
  write_file_atomically(out_ + "/mascing.json", R"({"routers": {}, "scenario": )" + deep + "}");
  expect_error(ErrorKind::kBadInput, "is damaged", [&] { (void)describe_hf_bake(out_); });
}

TEST_F(BakeHfTest, ARecordHoldsWhateverNamesAMaskHas) {
  update_.origin.scenario = "caf\xE9";
  bake_hf(hf_, out_, update_, false);
  EXPECT_EQ(describe_hf_bake(out_).n_changed, 0);
}

TEST(RouterNames, OfTheFamiliesAreKnown) {
  struct Case {
    const char* name;
    int64_t block;
    bool is_bias;
  };
  const Case cases[] = {{"model.layers.47.mlp.gate.weight", 47, false},
                        {"model.layers.0.block_sparse_moe.gate.weight", 0, false},
                        {"model.layers.3.mlp.router.weight", 3, false},
                        {"model.layers.3.mlp.router.bias", 3, true},
                        {"model.layers.9.mlp.gate.wg.weight", 9, false},
                        {"language_model.model.layers.5.feed_forward.router.weight", 5, false},
                        {"model.layers.5.block_sparse_moe.router.layer.weight", 5, false},
                        {"transformer.blocks.11.ffn.router.layer.weight", 11, false},
                        {"model.layers.3.mlp.gate_proj.weight", -1, false},
                        {"model.layers.3.mlp.shared_expert_gate.weight", -1, false},
                        {"model.layers.3.mlp.experts.0.gate_proj.weight", -1, false},
                        {"model.layers.x.mlp.gate.weight", -1, false},
                        {"model.layers.3.mlp.gate.e_score_correction_bias", -1, false},
                        {"mtp.layers.0.mlp.gate.weight", -1, false},
                        {"model.mtp.layers.0.mlp.gate.weight", -1, false},
                        {"talker.model.layers.0.mlp.gate.weight", -1, false},
                        {"thinker.model.layers.0.mlp.gate.weight", 0, false},
                        {"lm_head.weight", -1, false}};
  for (const Case& c : cases) {
    bool is_bias = false;
    EXPECT_EQ(router_block(c.name, is_bias), c.block) << c.name;
    if (c.block >= 0) {
      EXPECT_EQ(is_bias, c.is_bias) << c.name;
    }
  }
}

}  // namespace
}  // namespace mascing
