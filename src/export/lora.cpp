// The adapter in GGUF:
//   general.type = "adapter", adapter.type = "lora", general.architecture = the model's,
//   adapter.lora.alpha = R (F32), mascing.* (origin_keys.h), mascing.checksum = SHA-256 of the
//   matrices and what they belong to (adapters of earlier versions have none)
//   blk.<N>.ffn_gate_inp.weight.lora_a {D, R} = down, .lora_b {R, E} = up, both F32
#include "export/lora.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

#include "base/files.h"
#include "base/numeric.h"
#include "base/sha256.h"
#include "base/text.h"
#include "export/origin_keys.h"
#include "format/gguf.h"
#include "format/router_traits.h"
#include "mascing/error.h"

namespace mascing {
namespace {

constexpr const char* kLoraType = "lora";
constexpr const char* kAdapterChecksumKey = "mascing.checksum";

std::string tensor_name(int64_t block) {
  return "blk." + std::to_string(block) + ".ffn_gate_inp.weight";
}

/// [rows, from] -> [rows, to], what is new is zero.
std::vector<float> with_columns(const std::vector<float>& values, int64_t from, int64_t to) {
  const int64_t n_row = std::ssize(values) / from;
  std::vector<float> changed(n_row * to, 0.0F);
  for (int64_t i = 0; i < n_row; ++i) {
    std::copy_n(values.begin() + i * from, std::min(from, to), changed.begin() + i * to);
  }
  return changed;
}

void set_rank(int64_t rank, int64_t n_embd, LayerUpdate& layer) {
  layer.down.resize(rank * n_embd, 0.0F);
  layer.up = with_columns(layer.up, layer.rank, rank);
  layer.rank = rank;
}

/// All layers with the same rank, as they are stored.
RouterUpdate of_rank(RouterUpdate update, int64_t rank) {
  for (LayerUpdate& layer : update.layers) {
    set_rank(rank, update.n_embd, layer);
  }
  return update;
}

void put_layers(const RouterUpdate& update, GgufWriter& writer) {
  for (const LayerUpdate& layer : update.layers) {
    const std::string name = tensor_name(update.blocks[layer.i_layer]);
    writer.add_tensor_f32(name + ".lora_a", {update.n_embd, layer.rank}, layer.down.data());
    writer.add_tensor_f32(name + ".lora_b", {layer.rank, update.n_expert}, layer.up.data());
  }
}

std::vector<int64_t> ranks_of(const RouterUpdate& update) {
  std::vector<int64_t> ranks;
  for (const LayerUpdate& layer : update.layers) {
    ranks.push_back(layer.rank);
  }
  return ranks;
}

/// Of the matrices as they are stored, their own ranks, and what they belong to.
std::string adapter_checksum(const RouterUpdate& update, const std::vector<int64_t>& ranks) {
  Sha256 hash;
  hash.update(update.origin.fingerprint + "\n" + update.origin.mask_hash + "\n");
  hash.update(&update.origin.alpha, sizeof(double));
  hash.update(ranks.data(), ranks.size() * sizeof(int64_t));
  for (const LayerUpdate& layer : update.layers) {
    hash.update(tensor_name(update.blocks[layer.i_layer]) + "\n");
    hash.update(layer.down.data(), layer.down.size() * sizeof(float));
    hash.update(layer.up.data(), layer.up.size() * sizeof(float));
  }
  return hash.hex();
}

std::string where(const GgufFile& file) {
  return "[lora] " + printable(file_name(file.path()));
}

std::vector<float> floats_of(const GgufFile& file,
                             const std::string& name,
                             const std::vector<int64_t>& dims) {
  const GgufTensor* tensor = file.find_tensor(name);
  if (tensor == nullptr || tensor->type != kGgufF32 || tensor->dims != dims) {
    throw Error(ErrorKind::kBadInput,
                where(file) + ": tensor \"" + name + "\" is missing or has the wrong shape",
                "the adapter is damaged; export it again");
  }
  std::vector<float> values(tensor->size_bytes / sizeof(float));
  std::memcpy(values.data(), tensor->data, tensor->size_bytes);
  if (!are_finite(values)) {
    throw Error(ErrorKind::kBadInput,
                where(file) + ": tensor \"" + name + "\" has values that are not finite",
                "the adapter is damaged; export it again");
  }
  return values;
}

/// Files of earlier versions have no checksum.
void require_checksum(const GgufFile& file,
                      const RouterUpdate& update,
                      const std::vector<int64_t>& ranks) {
  const std::optional<std::string> stated = file.get_string(kAdapterChecksumKey);
  if (stated && *stated != adapter_checksum(update, ranks)) {
    throw Error(ErrorKind::kBadInput,
                where(file) + ": its content does not match its checksum",
                "the adapter is damaged; copy or export it again");
  }
}

/// What write_lora stores as alpha. A value that no rank can have would not even fit the type.
int64_t rank_of(const GgufFile& file) {
  constexpr double kMost = 1 << 20;
  const double alpha = file.get_float("adapter.lora.alpha").value_or(0.0);
  if (!(alpha >= 1.0 && alpha <= kMost)) {
    throw Error(
        ErrorKind::kBadInput,
        where(file) + ": adapter.lora.alpha is " + format_number(alpha, 0) + ", expected the rank",
        "the adapter is damaged or not from mascing; export it again");
  }
  return static_cast<int64_t>(alpha);
}

}  // namespace

void require_adapters(const std::string& architecture) {
  if (!routers_take_adapters(architecture)) {
    throw Error(ErrorKind::kUsage,
                "[lora] adapters do nothing on the routers of " + printable(architecture) +
                    ", which llama.cpp computes without them",
                "bake the mask into the weights: mascing export --to gguf");
  }
}

void write_lora(const std::string& path, const RouterUpdate& update) {
  const int64_t rank = largest_rank(update);
  const bool has_shift = std::any_of(update.layers.begin(),
                                     update.layers.end(),
                                     [](const LayerUpdate& l) { return !l.shift.empty(); });
  if (rank == 0 || has_shift) {
    throw Error(ErrorKind::kUsage,
                rank == 0 ? "[lora] nothing to export, the mask is empty"
                          : "[lora] an adapter cannot change a router's bias",
                "fit the update without shifts, or bake it into the model");
  }
  require_finite(update);
  GgufWriter writer;
  writer.set_string("general.type", "adapter");
  writer.set_string("general.architecture", update.origin.architecture);
  writer.set_string("general.name",
                    update.origin.scenario + " mask for " + update.origin.model_name);
  writer.set_string("adapter.type", "lora");
  writer.set_float("adapter.lora.alpha", static_cast<float>(rank));
  writer.set_string("adapter.lora.task_name", update.origin.scenario);
  put_origin(update, kLoraType, writer);
  const RouterUpdate stored = of_rank(update, rank);
  writer.set_string(kAdapterChecksumKey, adapter_checksum(stored, ranks_of(update)));
  put_layers(stored, writer);
  writer.write(path);
}

RouterUpdate read_lora(const std::string& path) {
  const GgufFile file = GgufFile::open(path);
  RouterUpdate update = get_origin(file, kLoraType);
  const int64_t rank = rank_of(file);
  const std::vector<int64_t> own_ranks = ranks_of(update);  // 0 in files of earlier versions
  for (LayerUpdate& layer : update.layers) {
    const std::string name = tensor_name(update.blocks[layer.i_layer]);
    layer.rank = rank;
    layer.down = floats_of(file, name + ".lora_a", {update.n_embd, rank});
    layer.up = floats_of(file, name + ".lora_b", {rank, update.n_expert});
  }
  require_checksum(file, update, own_ranks);
  for (size_t i = 0; i < own_ranks.size(); ++i) {
    if (own_ranks[i] > 0 && own_ranks[i] < rank) {
      set_rank(own_ranks[i], update.n_embd, update.layers[i]);
    }
  }
  return update;
}

}  // namespace mascing
