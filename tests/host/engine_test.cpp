// What the host refuses: models it cannot use and masks of other models, each with one clear error.
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "base/expect_error.h"
#include "base/files.h"
#include "base/temporary_folder.h"
#include "demo.h"
#include "format/gguf.h"

namespace mascing {
namespace {

LlamaHostOptions options_for(const std::string& path) {
  LlamaHostOptions options = demo_options();
  options.path = path;
  return options;
}

void write_header_only_model(const std::string& path,
                             const std::string& architecture,
                             bool is_moe) {
  GgufWriter writer;
  writer.set_string("general.architecture", architecture);
  writer.set_string("general.name", "header only");
  for (const auto& [key, value] : {std::pair<const char*, uint32_t>{".block_count", 1},
                                   {".embedding_length", 8},
                                   {".context_length", 64},
                                   {".vocab_size", 32}}) {
    writer.set_uint32(architecture + key, value);
  }
  const std::vector<float> zeros(64, 0.0F);
  if (is_moe) {
    writer.set_uint32(architecture + ".expert_count", 4);
    writer.set_uint32(architecture + ".expert_used_count", 2);
    writer.add_tensor_f32("blk.0.ffn_gate_inp.weight", {8, 4}, zeros.data());
  } else {
    writer.add_tensor_f32("blk.0.ffn_gate.weight", {8, 4}, zeros.data());
  }
  writer.write(path);
}

TEST(EngineTest, DescribesTheDemoModel) {
  const auto host = open_llama_host(demo_options());
  const ModelInfo& info = host->describe();
  EXPECT_EQ(info.architecture, "qwen3moe");
  EXPECT_EQ(info.n_layer, 6);
  EXPECT_EQ(info.n_expert, 16);
  EXPECT_EQ(info.n_expert_used, 2);
  EXPECT_EQ(host->context_size(), 1024);
}

TEST(EngineTest, RefusesAMissingFile) {
  expect_error(ErrorKind::kBadInput, "no-such-model.gguf", [] {
    (void)open_llama_host(options_for("no-such-model.gguf"));
  });
}

TEST(EngineTest, RefusesAFolder) {
  const TemporaryFolder folder;
  expect_error(ErrorKind::kBadInput, file_name(folder.path()), [&] {
    (void)open_llama_host(options_for(folder.path()));
  });
}

TEST(EngineTest, RefusesATextFile) {
  expect_error(ErrorKind::kBadInput, "facts.jsonl", [] {
    (void)open_llama_host(options_for(MASCING_DEMO "/data/facts.jsonl"));
  });
}

TEST(EngineTest, RefusesATruncatedModelWhereverItIsCut) {
  const TemporaryFolder folder;
  const std::string path = folder.path("cut.gguf");
  const auto size_bytes = std::filesystem::file_size(demo_model());
  for (const auto keep : {uintmax_t{0},
                          uintmax_t{3},
                          uintmax_t{20},
                          uintmax_t{5000},
                          size_bytes / 2,
                          size_bytes - 1}) {
    std::filesystem::copy_file(
        demo_model(), path, std::filesystem::copy_options::overwrite_existing);
    std::filesystem::resize_file(path, keep);
    expect_error(
        ErrorKind::kBadInput, "cut.gguf", [&] { (void)open_llama_host(options_for(path)); });
  }
}

TEST(EngineTest, RefusesADenseModel) {
  const TemporaryFolder folder;
  write_header_only_model(folder.path("dense.gguf"), "llama", false);
  expect_error(ErrorKind::kBadInput, "is a dense model", [&] {
    (void)open_llama_host(options_for(folder.path("dense.gguf")));
  });
}

TEST(EngineTest, PassesOnWhyLibllamaCannotLoadAModel) {
  const TemporaryFolder folder;
  write_header_only_model(folder.path("strange.gguf"), "strangemoe", true);
  expect_error(ErrorKind::kHost, "strangemoe", [&] {
    (void)open_llama_host(options_for(folder.path("strange.gguf")));
  });
}

class MaskOfAnotherModel : public testing::Test {
 protected:
  MaskOfAnotherModel() : host_(open_llama_host(demo_options())) {
    auto other = random_mask(open_llama_host(options_for(demo_model("natural")))->describe(), 1);
    name_ = other->model_name;
    steering_ = {other, 1.0F};
    tokens_ = host_->tokenize("Tell me a tale.", true);
  }

  std::unique_ptr<Host> host_;
  Steering steering_;
  std::string name_;
  std::vector<int32_t> tokens_;
};

TEST_F(MaskOfAnotherModel, IsRefusedByEveryCallAndBothModelsAreNamed) {
  const std::string both = "'" + name_ + "'";
  const auto check = [&](const auto& work) {
    expect_error(ErrorKind::kMismatch, both, work);
    expect_error(ErrorKind::kMismatch, "not for '" + host_->describe().name + "'", work);
  };
  ASSERT_NE(name_, host_->describe().name);
  check([&] { (void)host_->trace({{tokens_, {1, 3}, steering_}}); });
  check([&] { (void)host_->generate({{tokens_, steering_, 0}}, {0.0F, 0, 2}); });
  check([&] { (void)host_->score({{tokens_, 1, steering_, true}}); });
}

TEST_F(MaskOfAnotherModel, IsRefusedAtAlphaZeroToo) {
  steering_.alpha = 0.0F;
  expect_error(ErrorKind::kMismatch, name_, [&] {
    (void)host_->generate({{tokens_, steering_, 0}}, {0.0F, 0, 2});
  });
}

TEST_F(MaskOfAnotherModel, LeavesTheHostUsable) {
  EXPECT_THROW((void)host_->trace({{tokens_, {1, 3}, steering_}}), Error);
  const auto outcomes = host_->generate({{tokens_, {}, 0}}, {0.0F, 0, 4});
  EXPECT_TRUE(outcomes[0].ok());
}

}  // namespace
}  // namespace mascing
