// Folders of Hugging Face models: the first byte says whether the rest is the index ('I'), a shard
// ('S') or the header of a sound shard ('H').
#include "base/files.h"
#include "export/hf_folder.h"
#include "format/safetensors.h"
#include "fuzz.h"

namespace mascing::fuzz {

namespace {

constexpr const char* kIndex =
    R"({"metadata": {}, "weight_map": {"model.layers.0.mlp.gate.weight": "a.safetensors"}})";
constexpr const char* kHeader =
    R"({"model.layers.0.mlp.gate.weight": {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]}})";

std::string shard_of(std::string_view header) {
  const uint64_t n = header.size();
  return std::string(reinterpret_cast<const char*>(&n), sizeof n) + std::string(header) +
         std::string(16, '\1');
}

}  // namespace

std::vector<std::string> seeds() {
  return {std::string("I") + kIndex, "S" + shard_of(kHeader), std::string("H") + kHeader};
}

std::vector<std::string> words() {
  return {"\"weight_map\":",
          "model.layers.",
          ".mlp.gate.weight",
          "block_sparse_moe.gate",
          ".bias",
          "../",
          "a.safetensors",
          "model.safetensors",
          "\"dtype\":",
          "\"BF16\"",
          "\"shape\":",
          "[0,0]",
          "18446744073709551615",
          "\"data_offsets\":",
          "null"};
}

void try_input(std::string_view input) {
  const char kind = kind_of(input);
  const std::string_view rest = rest_of(input);
  static const ScratchFolder folder;
  write_plainly(folder.path("model.safetensors.index.json"), kind == 'I' ? rest : kIndex);
  const std::string shard = kind == 'H'   ? shard_of(rest)
                            : kind == 'S' ? std::string(rest)
                                          : shard_of(kHeader);
  write_plainly(folder.path("a.safetensors"), shard);
  expect_value_or_error([&] { (void)open_hf_folder(folder.path()); });
}

}  // namespace mascing::fuzz
