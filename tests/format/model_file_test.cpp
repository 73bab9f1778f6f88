#include "format/model_file.h"

#include <gtest/gtest.h>

#include "base/expect_error.h"
#include "base/files.h"
#include "base/temporary_folder.h"
#include "format/gguf.h"
#include "mascing/model_size.h"

namespace mascing {
namespace {

const std::string kDemo = std::string(MASCING_DEMO) + "/kingdom-planted-f16.gguf";

// A model of 3 blocks, D = 4, E = 2; blocks 1 and 2 have routers.
GgufWriter small_model() {
  GgufWriter writer;
  writer.set_string("general.architecture", "qwen3moe");
  writer.set_string("general.name", "tiny");
  writer.set_uint32("qwen3moe.block_count", 3);
  writer.set_uint32("qwen3moe.embedding_length", 4);
  writer.set_uint32("qwen3moe.context_length", 128);
  writer.set_uint32("qwen3moe.expert_count", 2);
  writer.set_uint32("qwen3moe.expert_used_count", 1);
  writer.set_string_array("tokenizer.ggml.tokens", {"a", "b", "c"});
  const float data[] = {1, 2, 3, 4, 5, 6, 7, 8};
  writer.add_tensor_f32("blk.2.ffn_gate_inp.weight", {4, 2}, data);
  writer.add_tensor_f32("blk.1.ffn_gate_inp.weight", {4, 2}, data);
  writer.add_tensor_f32("blk.1.ffn_gate_inp.bias", {2}, data);
  writer.add_tensor_f32("blk.1.ffn_gate_inp_shexp.weight", {4}, data);
  return writer;
}

void expect_refusal(const std::string& words, const GgufWriter& writer) {
  const TemporaryFolder folder;
  writer.write(folder.path("m.gguf"));
  expect_error(ErrorKind::kBadInput, words, [&] { (void)read_model_info(folder.path("m.gguf")); });
}

TEST(ModelInfo, DescribesASmallModel) {
  const TemporaryFolder folder;
  small_model().write(folder.path("m.gguf"));
  const ModelInfo info = read_model_info(folder.path("m.gguf"));
  EXPECT_EQ(info.architecture, "qwen3moe");
  EXPECT_EQ(info.name, "tiny");
  EXPECT_EQ(info.n_block, 3);
  EXPECT_EQ(info.n_layer, 2);
  EXPECT_EQ(info.n_expert, 2);
  EXPECT_EQ(info.n_expert_used, 1);
  EXPECT_EQ(info.n_embd, 4);
  EXPECT_EQ(info.n_vocab, 3);
  EXPECT_EQ(info.n_context_train, 128);
  EXPECT_EQ(info.gating, "default");
  EXPECT_EQ(info.blocks, (std::vector<int64_t>{1, 2}));
  EXPECT_EQ(info.has_bias, (std::vector<bool>{true, false}));
  EXPECT_EQ(info.fingerprint.size(), 64U);
}

TEST(ModelInfo, DescribesTheDemoModel) {
  const ModelInfo info = read_model_info(kDemo);
  EXPECT_GT(info.n_layer, 0);
  EXPECT_GT(info.n_expert, info.n_expert_used);
  EXPECT_GT(info.n_vocab, 100);
  EXPECT_EQ(static_cast<int64_t>(info.blocks.size()), info.n_layer);
}

TEST(ModelInfo, FingerprintFollowsTheRoutersAndIdentityTheHeader) {
  const TemporaryFolder folder;
  small_model().write(folder.path("a.gguf"));
  GgufWriter other_template = small_model();
  other_template.set_string("tokenizer.chat_template", "x");
  other_template.write(folder.path("b.gguf"));
  GgufWriter other_bias = small_model();
  const float one[] = {9, 9};
  other_bias.add_tensor_f32("blk.2.ffn_gate_inp.bias", {2}, one);
  other_bias.write(folder.path("c.gguf"));
  const ModelInfo a = read_model_info(folder.path("a.gguf"));
  const ModelInfo b = read_model_info(folder.path("b.gguf"));
  const ModelInfo c = read_model_info(folder.path("c.gguf"));
  EXPECT_EQ(a.fingerprint, b.fingerprint);
  EXPECT_NE(a.identity, b.identity);
  EXPECT_NE(a.fingerprint, c.fingerprint);
  EXPECT_NE(read_model_info(kDemo).fingerprint, a.fingerprint);
}

// A fine-tune that leaves header and routers alone is another model, which old masks still fit.
TEST(ModelInfo, TheIdentityCoversAllWeightsAndTheFingerprintTheRouters) {
  const TemporaryFolder folder;
  const std::vector<float> weights(9000, 0.5F);
  for (const char* name : {"a.gguf", "b.gguf", "c.gguf"}) {
    GgufWriter writer = small_model();
    std::vector<float> own = weights;
    own[7000] += name[0] == 'b' ? 1e-3F : 0.0F;
    writer.add_tensor_f32("blk.1.ffn_down_exps.weight", {9000}, own.data());
    writer.write(folder.path(name));
  }
  const ModelInfo a = read_model_info(folder.path("a.gguf"));
  const ModelInfo b = read_model_info(folder.path("b.gguf"));
  EXPECT_EQ(a.fingerprint, b.fingerprint);
  EXPECT_NE(a.identity, b.identity);
  EXPECT_EQ(a.identity, read_model_info(folder.path("c.gguf")).identity);
}

TEST(ModelInfo, NamesTheGatingAndTheLargestNumberOfExpertsUsed) {
  const TemporaryFolder folder;
  GgufWriter writer = small_model();
  writer.set_uint32("qwen3moe.expert_gating_func", 2);
  writer.set_int_array("qwen3moe.expert_used_count", {0, 1, 2});
  writer.write(folder.path("m.gguf"));
  EXPECT_EQ(read_model_info(folder.path("m.gguf")).gating, "sigmoid");
  EXPECT_EQ(read_model_info(folder.path("m.gguf")).n_expert_used, 2);
}

TEST(ModelInfo, LeavesOutBlocksThatPredictAhead) {
  const TemporaryFolder folder;
  GgufWriter writer = small_model();
  writer.set_uint32("qwen3moe.nextn_predict_layers", 1);
  writer.write(folder.path("m.gguf"));
  EXPECT_EQ(read_model_info(folder.path("m.gguf")).blocks, (std::vector<int64_t>{1}));
}

TEST(ModelInfo, SaysThatADenseModelHasNoRouter) {
  GgufWriter writer;
  writer.set_string("general.architecture", "llama");
  writer.set_uint32("llama.block_count", 2);
  writer.set_uint32("llama.embedding_length", 4);
  writer.set_uint32("llama.context_length", 16);
  expect_refusal("is a dense model (architecture llama, 2 blocks)", writer);
  expect_refusal("use a Mixture-of-Experts model", writer);
}

TEST(ModelInfo, RefusesARouterWithAnotherNumberOfExperts) {
  GgufWriter writer = small_model();
  writer.set_uint32("qwen3moe.expert_count", 3);
  expect_refusal("the router of block 1 has 2 rows, expected 3", writer);
}

TEST(ModelInfo, RefusesARouterOfAnotherWidth) {
  GgufWriter writer = small_model();
  writer.set_uint32("qwen3moe.embedding_length", 4096);
  expect_refusal("the router of block 1 reads 4 numbers, expected 4096", writer);
}

TEST(ModelInfo, RefusesAChoiceOfMoreExpertsThanThereAre) {
  GgufWriter writer = small_model();
  writer.set_uint32("qwen3moe.expert_used_count", 3);
  expect_refusal("chooses 3 experts of 2", writer);
  writer.set_int_array("qwen3moe.expert_used_count", {0, 1, 3});
  expect_refusal("chooses 3 experts of 2", writer);
}

TEST(ModelInfo, RefusesOtherKindsAndMissingKeys) {
  GgufWriter mask = small_model();
  mask.set_string("general.type", "mascing.mask");
  expect_refusal("of type \"mascing.mask\", expected a model", mask);
  expect_refusal("general.architecture", GgufWriter());
  GgufWriter writer = small_model();
  writer.set_uint32("qwen3moe.block_count", 0);
  expect_refusal("qwen3moe.block_count", writer);
}

// Sizes of memory are computed from these.
TEST(ModelInfo, RefusesCountsThatWouldOverflow) {
  const std::vector<std::string> keys = {"qwen3moe.block_count",
                                         "qwen3moe.embedding_length",
                                         "qwen3moe.context_length",
                                         "qwen3moe.vocab_size",
                                         "qwen3moe.expert_count",
                                         "qwen3moe.expert_used_count",
                                         "qwen3moe.nextn_predict_layers",
                                         "split.count"};
  for (const std::string& key : keys) {
    GgufWriter writer = small_model();
    writer.set_int(key, INT64_MAX);
    expect_refusal("\"" + key + "\" is 9223372036854775807", writer);
  }
  for (const int64_t impossible : {INT64_MAX, INT64_MIN}) {
    GgufWriter writer = small_model();
    writer.set_uint32("split.count", 2);
    writer.set_int("split.no", impossible);
    expect_refusal("\"split.no\" is " + std::to_string(impossible), writer);
  }
  GgufWriter writer = small_model();
  writer.set_int("qwen3moe.nextn_predict_layers", INT64_MIN);
  expect_refusal("\"qwen3moe.nextn_predict_layers\" is -9", writer);
}

int64_t cell_bytes_of(const GgufWriter& writer) {
  const TemporaryFolder folder;
  writer.write(folder.path("m.gguf"));
  return read_model_size(folder.path("m.gguf")).n_cell_byte;
}

TEST(ModelSize, CountsKeysAndValuesOfAllBlocks) {
  GgufWriter writer = small_model();  // 3 blocks, 4 numbers a token
  EXPECT_EQ(cell_bytes_of(writer), 3 * (4 + 4) * 2) << "one head";
  writer.set_uint32("qwen3moe.attention.head_count", 2);
  EXPECT_EQ(cell_bytes_of(writer), 3 * 2 * (2 + 2) * 2);
  writer.set_int_array("qwen3moe.attention.head_count_kv", {0, 1, 1});
  EXPECT_EQ(cell_bytes_of(writer), 2 * (2 + 2) * 2);
  writer.set_int_array("qwen3moe.attention.head_count", {1, 2, 2});
  writer.set_uint32("qwen3moe.attention.key_length", 8);
  EXPECT_EQ(cell_bytes_of(writer), 2 * (8 + 2) * 2);
}

TEST(ModelSize, RefusesSizesThatWouldOverflow) {
  const std::string attention = "qwen3moe.attention.";
  const auto expect_no_size = [](const std::string& words, const GgufWriter& writer) {
    expect_error(ErrorKind::kBadInput, words, [&] { (void)cell_bytes_of(writer); });
  };
  for (const char* name : {"head_count", "head_count_kv", "key_length", "value_length"}) {
    for (const int64_t impossible : {INT64_MAX, INT64_MIN, int64_t{-1}}) {
      GgufWriter writer = small_model();
      writer.set_int(attention + name, impossible);
      expect_no_size(std::string(name) + "\" is " + std::to_string(impossible), writer);
    }
  }
  for (const char* name : {"head_count", "head_count_kv"}) {
    GgufWriter writer = small_model();
    writer.set_int_array(attention + name, {1, INT64_MAX, INT64_MAX});
    expect_no_size(std::string(name) + "\" is 9223372036854775807", writer);
    writer.set_int_array(attention + name, std::vector<int64_t>(70'000, 1));
    expect_no_size("has 70000 entries", writer);
  }
  GgufWriter writer = small_model();  // each of them possible, but not together
  writer.set_uint32("qwen3moe.block_count", 1U << 16U);
  for (const char* name : {"head_count", "head_count_kv", "key_length", "value_length"}) {
    writer.set_uint32(attention + name, 1U << 20U);
  }
  expect_no_size("of 288230376151711744 bytes", writer);
}

TEST(ModelInfo, ReadsAllPartsOfASplitModel) {
  const TemporaryFolder folder;
  GgufWriter first;
  first.set_string("general.architecture", "qwen3moe");
  first.set_uint32("qwen3moe.block_count", 1);
  first.set_uint32("qwen3moe.embedding_length", 4);
  first.set_uint32("qwen3moe.context_length", 16);
  first.set_uint32("qwen3moe.expert_count", 2);
  first.set_uint32("qwen3moe.expert_used_count", 1);
  first.set_uint32("split.count", 2);
  first.set_uint32("split.no", 0);
  first.write(folder.path("m-00001-of-00002.gguf"));
  const auto read = [&] { return read_model_info(folder.path("m-00001-of-00002.gguf")); };
  expect_error(
      ErrorKind::kBadInput, "part 2 of 2 is missing: m-00002-of-00002.gguf", [&] { (void)read(); });

  GgufWriter second;
  second.set_uint32("split.count", 2);
  second.set_uint32("split.no", 1);
  const float data[] = {1, 2, 3, 4, 5, 6, 7, 8};
  second.add_tensor_f32("blk.0.ffn_gate_inp.weight", {4, 2}, data);
  second.write(folder.path("m-00002-of-00002.gguf"));
  EXPECT_EQ(read().n_layer, 1);

  const std::string whole = read_text_file(folder.path("m-00002-of-00002.gguf"));
  write_file_atomically(folder.path("m-00002-of-00002.gguf"), whole.substr(0, whole.size() - 8));
  expect_error(ErrorKind::kBadInput, "8 bytes missing", [&] { (void)read(); });
  write_file_atomically(folder.path("m-00002-of-00002.gguf"), whole);

  first.set_uint32("split.no", 1);
  first.write(folder.path("late.gguf"));
  expect_error(ErrorKind::kBadInput, "-00001-of-00002.gguf", [&] {
    (void)read_model_info(folder.path("late.gguf"));
  });
  first.set_uint32("split.no", 0);
  first.write(folder.path("renamed.gguf"));
  expect_error(ErrorKind::kBadInput, "rename it", [&] {
    (void)read_model_info(folder.path("renamed.gguf"));
  });
}

TEST(ModelInfo, RefusesATruncatedDownload) {
  const TemporaryFolder folder;
  const std::string bytes = read_text_file(kDemo);
  write_file_atomically(folder.path("m.gguf"), bytes.substr(0, bytes.size() - 1000));
  expect_error(
      ErrorKind::kBadInput, "bytes missing", [&] { (void)read_model_info(folder.path("m.gguf")); });
}

}  // namespace
}  // namespace mascing
