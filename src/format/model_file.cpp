// Describes a model from its GGUF header and router tensors; of the other weights, samples go into
// the identity.
#include "format/model_file.h"

#include <algorithm>
#include <charconv>
#include <functional>
#include <map>
#include <numeric>
#include <optional>
#include <set>
#include <utility>

#include "base/files.h"
#include "base/sha256.h"
#include "base/text.h"
#include "format/gguf.h"
#include "format/router_fingerprint.h"
#include "mascing/error.h"
#include "mascing/tensor_codec.h"

namespace mascing {

namespace {

// A model's parts and what the description is taken from.
struct ModelFile {
  std::string path;
  std::vector<GgufFile> parts;
  std::map<int64_t, RouterTensors> routers;  ///< by block number

  [[nodiscard]] const GgufFile& head() const { return parts.front(); }
  [[nodiscard]] std::string shown() const { return printable(file_name(path)); }
  [[noreturn]] void fail(const std::string& what, const std::string& hint) const {
    throw Error(ErrorKind::kBadInput, "[inspect] " + shown() + what, hint);
  }
};

constexpr const char* kAnotherDownload = "the file is damaged or incomplete; download it again";

// Far above any model, and low enough for sizes that are computed from them to fit 64 bits.
constexpr int64_t kMostBlocks = int64_t{1} << 16;
constexpr int64_t kMostPerBlock = int64_t{1} << 20;  // of experts, or numbers a token
constexpr int64_t kMostModelTokens = INT32_MAX;      // of a context or a vocabulary

void require_at_most(const ModelFile& model, const std::string& key, int64_t value, int64_t most) {
  if (value < 0 || value > most) {
    model.fail(": key \"" + printable(key) + "\" is " + std::to_string(value) + ", expected 0 to " +
                   std::to_string(most),
               kAnotherDownload);
  }
}

// 0 if the key is absent.
int64_t optional_count(const ModelFile& model, const std::string& key, int64_t most) {
  const int64_t value = model.head().get_int(key).value_or(0);
  require_at_most(model, key, value, most);
  return value;
}

// Opens the parts behind the first; their names differ in the number alone, as llama.cpp has it.
void open_other_parts(ModelFile& model) {
  const int64_t n_part = optional_count(model, "split.count", kMostParts);
  if (n_part <= 1) {
    return;
  }
  const int64_t i_part = optional_count(model, "split.no", kMostParts);
  if (i_part != 0) {
    model.fail(": is part " + std::to_string(i_part + 1) + " of " + std::to_string(n_part) +
                   " of a split model",
               "use the first part, which ends in " + split_suffix(0, n_part));
  }
  const std::string suffix = split_suffix(0, n_part);
  if (!model.path.ends_with(suffix)) {
    model.fail(
        ": is the first of " + std::to_string(n_part) + " parts, but its name does not show it",
        "rename it to end in " + suffix);
  }
  for (int64_t i = 1; i < n_part; ++i) {
    const std::string path = part_path(model.path, i, n_part);
    if (!file_exists(path)) {
      model.fail(": part " + std::to_string(i + 1) + " of " + std::to_string(n_part) +
                     " is missing: " + printable(file_name(path)),
                 "put all parts of the model in one folder");
    }
    model.parts.push_back(GgufFile::open(path));
  }
}

void refuse_other_kinds(const ModelFile& model) {
  const std::string type = model.head().get_string("general.type").value_or("model");
  if (type != "model") {
    model.fail(": is a GGUF file of type \"" + printable(type) + "\", expected a model",
               "use the GGUF file of the model itself");
  }
  if (model.head().get_string("general.architecture").value_or("").empty()) {
    model.fail(": key \"general.architecture\" is missing", kAnotherDownload);
  }
}

// "blk.17.ffn_gate_inp.weight" -> 17; nothing for other names.
std::optional<int64_t> block_of(const std::string& name, std::string_view suffix) {
  constexpr std::string_view kPrefix = "blk.";
  if (!name.starts_with(kPrefix) || !name.ends_with(suffix) ||
      name.size() <= kPrefix.size() + suffix.size()) {
    return std::nullopt;
  }
  const char* begin = name.data() + kPrefix.size();
  const char* end = name.data() + name.size() - suffix.size();
  int64_t block = 0;
  const auto [stop, failure] = std::from_chars(begin, end, block);
  if (failure != std::errc{} || stop != end || block < 0) {
    return std::nullopt;
  }
  return block;
}

void find_routers(ModelFile& model) {
  std::set<std::string> names;
  for (int64_t i_part = 0; i_part < std::ssize(model.parts); ++i_part) {
    for (const GgufTensor& tensor : model.parts[i_part].tensors()) {
      if (!names.insert(tensor.name).second) {
        model.fail(": tensor \"" + printable(tensor.name) + "\" is in two parts",
                   "the parts belong to different models; download them again");
      }
      if (const auto i = block_of(tensor.name, ".ffn_gate_inp.weight")) {
        model.routers[*i].weight = &tensor;
        model.routers[*i].i_part = i_part;
      } else if (const auto j = block_of(tensor.name, ".ffn_gate_inp.bias")) {
        model.routers[*j].bias = &tensor;
      }
    }
  }
}

// Drops the blocks that the engine does not run, and biases without a weight.
void drop_unused(ModelFile& model, int64_t n_run) {
  std::erase_if(model.routers, [n_run](const auto& entry) {
    return entry.first >= n_run || entry.second.weight == nullptr;
  });
}

int64_t require_count(const ModelFile& model, const std::string& key, int64_t most) {
  const std::optional<int64_t> value = model.head().get_int(key);
  if (!value || *value <= 0) {
    model.fail(": key \"" + printable(key) + "\" is missing or not positive", kAnotherDownload);
  }
  require_at_most(model, key, *value, most);
  return *value;
}

// One number, or one for each block: then the largest.
int64_t count_experts_used(const ModelFile& model, const std::string& key) {
  if (!model.head().is_array(key)) {
    return require_count(model, key, kMostPerBlock);
  }
  const std::vector<int64_t> values = *model.head().get_int_array(key);
  const auto largest = std::max_element(values.begin(), values.end());
  if (largest == values.end() || *largest <= 0) {
    model.fail(": key \"" + printable(key) + "\" is not a positive number", kAnotherDownload);
  }
  return *largest;
}

// The engine would end the process.
void require_possible_choice(const ModelFile& model, const ModelInfo& info) {
  if (info.n_expert_used > info.n_expert) {
    model.fail(": chooses " + std::to_string(info.n_expert_used) + " experts of " +
                   std::to_string(info.n_expert) + " (" + printable(info.architecture) +
                   ".expert_used_count)",
               kAnotherDownload);
  }
}

std::string gating_of(const GgufFile& head, const std::string& key) {
  const std::optional<int64_t> value = head.get_int(key);
  switch (value.value_or(0)) {
    case 0:
      return "default";
    case 1:
      return "softmax";
    case 2:
      return "sigmoid";
    case 3:
      return "softmax_weight";
    case 4:
      return "sqrt_softplus";
    default:
      return "unknown";
  }
}

void check_routers(const ModelFile& model, const ModelInfo& info) {
  if (model.routers.empty()) {
    model.fail(
        " is a dense model (architecture " + printable(info.architecture) + ", " +
            std::to_string(info.n_block) + " blocks) without routers to steer",
        "use a Mixture-of-Experts model such as Qwen3-30B-A3B, Mixtral or gpt-oss, whose GGUF has "
        "tensors blk.N.ffn_gate_inp.weight");
  }
  for (const auto& [block, router] : model.routers) {
    const std::vector<int64_t>& dims = router.weight->dims;
    if (dims.size() != 2 || dims[1] != info.n_expert) {
      model.fail(": the router of block " + std::to_string(block) + " has " +
                     std::to_string(dims.size() < 2 ? 1 : dims[1]) + " rows, expected " +
                     std::to_string(info.n_expert) + " (" + printable(info.architecture) +
                     ".expert_count)",
                 "this kind of router is not supported, or the file is damaged");
    }
    if (dims[0] != info.n_embd) {
      model.fail(": the router of block " + std::to_string(block) + " reads " +
                     std::to_string(dims[0]) + " numbers, expected " + std::to_string(info.n_embd) +
                     " (" + printable(info.architecture) + ".embedding_length)",
                 "this kind of router is not supported, or the file is damaged");
    }
    if (router.bias != nullptr && router.bias->dims != std::vector<int64_t>{info.n_expert}) {
      model.fail(": the router bias of block " + std::to_string(block) + " does not have " +
                     std::to_string(info.n_expert) + " entries",
                 kAnotherDownload);
    }
  }
}

std::string fingerprint_of(const ModelFile& model, const std::string& architecture) {
  RouterFingerprint fingerprint(architecture);
  const auto add = [&](int64_t block, const char* kind, const GgufTensor& tensor) {
    fingerprint.add(block, kind, tensor.type, tensor.dims, tensor.data, tensor.size_bytes);
  };
  for (const auto& [block, router] : model.routers) {
    add(block, "weight", *router.weight);
    if (router.bias != nullptr) {
      add(block, "bias", *router.bias);
    }
  }
  return fingerprint.hex();
}

// Of every router or of none: a sketch with gaps compares with nothing.
RouterSketch sketch_of(const ModelFile& model, const TensorCodec& codec) {
  RouterSketch sketch;
  std::vector<float> values;
  for (const auto& [block, router] : model.routers) {
    for (const GgufTensor* tensor : {router.weight, router.bias}) {
      if (tensor == nullptr) {
        continue;
      }
      if (!codec.can_encode(tensor->type)) {
        return {};
      }
      values.resize(std::accumulate(
          tensor->dims.begin(), tensor->dims.end(), int64_t{1}, std::multiplies<>()));
      codec.decode(tensor->type, tensor->data, std::ssize(values), values.data());
      sketch.add(tensor->type, values.data(), std::ssize(values));
    }
  }
  return sketch;
}

// Large tensors are sampled: a fine-tune, a merge or a damaged download changes nearly all of a
// tensor, a whole one, or a long stretch of the file.
void add_weights(const GgufFile& part, Sha256& hash) {
  constexpr size_t kPieceBytes = 4096;
  constexpr size_t kPieces = 32;
  constexpr size_t kReadWhole = size_t{64} << 20;
  if (part.file().size() <= kReadWhole) {
    hash.update(part.file().bytes());
    return;
  }
  for (const GgufTensor& tensor : part.tensors()) {
    const std::string_view bytes(reinterpret_cast<const char*>(tensor.data), tensor.size_bytes);
    const size_t step = std::max(kPieceBytes, bytes.size() / kPieces);
    for (size_t at = 0; at < bytes.size(); at += step) {
      hash.update(bytes.substr(at, kPieceBytes));
    }
  }
}

std::string identity_of(const ModelFile& model, const std::string& fingerprint) {
  Sha256 hash;
  for (const GgufFile& part : model.parts) {
    hash.update("part " + std::to_string(part.header_bytes().size()) + "\n");
    hash.update(part.header_bytes());
    add_weights(part, hash);
  }
  hash.update(fingerprint);
  return hash.hex();
}

int64_t vocabulary_size(const ModelFile& model, const std::string& key) {
  return model.head().has(key) ? optional_count(model, key, kMostModelTokens)
                               : model.head().get_array_size("tokenizer.ggml.tokens").value_or(0);
}

void fill_layers(const ModelFile& model, ModelInfo& info) {
  for (const auto& [block, router] : model.routers) {
    info.blocks.push_back(block);
    info.has_bias.push_back(router.bias != nullptr);
  }
  info.n_layer = std::ssize(info.blocks);
}

/// What `export --to gguf` wrote into a copy.
std::string baked_mask_of(const GgufFile& head) {
  if (head.get_string("mascing.export") != "gguf") {
    return "";
  }
  const std::string scenario = head.get_string("mascing.scenario").value_or("");
  const auto alpha = head.get_float_array("mascing.alpha").value_or(std::vector<double>());
  std::string words = scenario.empty() ? "a mask" : "the mask '" + printable(scenario, 100) + "'";
  if (alpha.size() == 1) {
    words += " at strength " + format_number(alpha[0], 2);
  }
  return words;
}

}  // namespace

OpenModel open_model(const std::string& path, bool allow_dense, const TensorCodec* codec) {
  ModelFile model{.path = path, .parts = {}, .routers = {}};
  model.parts.push_back(GgufFile::open(path));
  refuse_other_kinds(model);
  open_other_parts(model);
  find_routers(model);

  const GgufFile& head = model.head();
  ModelInfo info;
  info.path = path;
  info.architecture = *head.get_string("general.architecture");
  const std::string prefix = info.architecture + ".";
  info.name = head.get_string("general.name").value_or(file_stem(path));
  info.description = head.get_string("general.description").value_or("");
  info.baked = baked_mask_of(head);
  info.n_block = require_count(model, prefix + "block_count", kMostBlocks);
  info.n_embd = require_count(model, prefix + "embedding_length", kMostPerBlock);
  info.n_context_train = require_count(model, prefix + "context_length", kMostModelTokens);
  info.n_vocab = vocabulary_size(model, prefix + "vocab_size");
  info.n_expert = optional_count(model, prefix + "expert_count", kMostPerBlock);
  info.gating = gating_of(head, prefix + "expert_gating_func");
  drop_unused(model,
              info.n_block - optional_count(model, prefix + "nextn_predict_layers", kMostBlocks));
  if (!model.routers.empty() || !allow_dense) {
    check_routers(model, info);
    info.n_expert_used = count_experts_used(model, prefix + "expert_used_count");
    require_possible_choice(model, info);
  }
  fill_layers(model, info);
  for (const GgufFile& part : model.parts) {
    info.size_bytes += std::ssize(part.file().bytes());
  }
  info.fingerprint = fingerprint_of(model, info.architecture);
  info.routers = sketch_of(model, codec == nullptr ? plain_codec() : *codec);
  info.identity = identity_of(model, info.fingerprint);
  OpenModel opened;
  for (const auto& [block, router] : model.routers) {
    opened.routers.push_back(router);
  }
  opened.info = std::move(info);
  opened.parts = std::move(model.parts);
  return opened;
}

ModelInfo read_model_info(const std::string& path, bool allow_dense, const TensorCodec* codec) {
  return open_model(path, allow_dense, codec).info;
}

}  // namespace mascing
