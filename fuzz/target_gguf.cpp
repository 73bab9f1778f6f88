// GGUF as a container, as a model's routers and as a mask. What is accepted is read in full.
#include "base/files.h"
#include "format/gguf.h"
#include "format/model_file.h"
#include "fuzz.h"
#include "mascing/mask_file.h"

namespace mascing::fuzz {

namespace {

std::string small_model() {
  GgufWriter writer;
  writer.set_string("general.architecture", "qwen3moe");
  writer.set_string("general.name", "tiny");
  writer.set_uint32("qwen3moe.block_count", 2);
  writer.set_uint32("qwen3moe.embedding_length", 4);
  writer.set_uint32("qwen3moe.context_length", 128);
  writer.set_uint32("qwen3moe.expert_count", 2);
  writer.set_uint32("qwen3moe.expert_used_count", 1);
  writer.set_string_array("tokenizer.ggml.tokens", {"a", "b", "c"});
  writer.set_float_array("tokenizer.ggml.scores", {0.0, 0.5, 1.0});
  const float data[] = {1, 2, 3, 4, 5, 6, 7, 8};
  writer.add_tensor_f32("blk.0.ffn_gate_inp.weight", {4, 2}, data);
  writer.add_tensor_f32("blk.1.ffn_gate_inp.weight", {4, 2}, data);
  writer.add_tensor_f32("blk.1.ffn_gate_inp.bias", {2}, data);
  const ScratchFolder folder;
  writer.write(folder.path("model.gguf"));
  return read_text_file(folder.path("model.gguf"));
}

std::string small_mask() {
  Mask mask;
  mask.architecture = "qwen3moe";
  mask.fingerprint = std::string(64, 'a');
  mask.n_layer = 2;
  mask.n_expert = 2;
  mask.n_expert_used = 1;
  mask.blocks = {0, 1};
  mask.steer = {0.5F, 0.0F, -0.25F, 1.0F};
  mask.sigma = {1.0F, 2.0F};
  const ScratchFolder folder;
  write_mask(folder.path("mask.gguf"), mask);
  return read_text_file(folder.path("mask.gguf"));
}

void read_all(const GgufFile& file) {
  uint64_t sum = 0;
  for (const GgufTensor& tensor : file.tensors()) {
    for (size_t i = 0; i < tensor.size_bytes; ++i) {
      sum += static_cast<uint64_t>(tensor.data[i]);
    }
  }
  for (const std::string& key : file.keys()) {
    expect_value_or_error([&] { (void)file.get_string_array(key); });
    expect_value_or_error([&] { (void)file.get_float_array(key); });
    expect_value_or_error([&] { (void)file.get_int_array(key); });
    expect_value_or_error([&] { (void)file.get_string(key); });
    expect_value_or_error([&] { (void)file.get_int(key); });
  }
  static volatile uint64_t sink;
  sink = sum;
}

}  // namespace

std::vector<std::string> seeds() {
  return {small_model(), small_mask()};
}

std::vector<std::string> words() {
  return {"GGUF",
          "general.alignment",
          "general.architecture",
          "qwen3moe",
          "mascing.mask",
          "split.count",
          std::string("\x09\0\0\0", 4),
          std::string("\x08\0\0\0", 4),
          std::string("\x04\0\0\0\0\0\0\0", 8)};
}

void try_input(std::string_view input) {
  static const MemoryFile file;
  file.fill(input);
  expect_value_or_error([&] { read_all(GgufFile::open(file.path())); });
  expect_value_or_error([&] { (void)read_mask(file.path()); });
  const std::string mask_outcome = last_outcome();
  expect_value_or_error([&] { (void)read_model_info(file.path()); });
  last_outcome() = mask_outcome == "accepted" ? mask_outcome : last_outcome() + mask_outcome;
}

}  // namespace mascing::fuzz
