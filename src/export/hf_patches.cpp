// GGUF files keep routers in F32, so the bytes that the mask's fingerprint was made of can be
// computed from any of the folder's types.
#include "export/hf_patches.h"

#include <algorithm>

#include "base/files.h"
#include "base/numeric.h"
#include "base/sha256.h"
#include "base/text.h"
#include "export/baked_routers.h"
#include "format/router_fingerprint.h"
#include "mascing/error.h"

namespace mascing {
namespace {

[[noreturn]] void mismatch(const std::string& what, const std::string& hint) {
  throw Error(ErrorKind::kMismatch, "[hf] " + what, hint);
}

int32_t type_of(const SafetensorsTensor& tensor) {
  if (tensor.dtype == "F32") {
    return kGgufF32;
  }
  if (tensor.dtype == "F16") {
    return kGgufF16;
  }
  if (tensor.dtype == "BF16") {
    return kGgufBf16;
  }
  throw Error(ErrorKind::kBadInput,
              "[hf] router " + printable(tensor.name) + " is of type " + printable(tensor.dtype) +
                  ", expected F32, F16 or BF16",
              "bake the original folder, before quantisation");
}

std::vector<float> floats_of(const SafetensorsTensor& tensor) {
  const int32_t type = type_of(tensor);
  std::vector<float> values(tensor.size_bytes / (type == kGgufF32 ? 4 : 2));
  plain_codec().decode(type, tensor.data, std::ssize(values), values.data());
  return values;
}

HfPatch patch(const SafetensorsTensor& tensor,
              const std::vector<float>& original,
              const std::vector<float>& wanted,
              double& loss) {
  HfPatch patched{&tensor, std::vector<std::byte>(tensor.size_bytes)};
  const int32_t type = type_of(tensor);
  const int64_t n = std::ssize(wanted);
  plain_codec().encode(type, wanted.data(), 1, n, patched.bytes.data());
  std::vector<float> stored(wanted.size());
  plain_codec().decode(type, patched.bytes.data(), n, stored.data());
  require_finite(tensor.name, stored);
  loss = rounding_loss(original, wanted, stored);
  return patched;
}

void add_patch(const HfShards& shards,
               const HfTensor& place,
               int64_t i_layer,
               const std::vector<float>& wanted,
               HfPatches& patches) {
  const SafetensorsTensor& tensor = shards.find(place);
  RoundingLoss loss{i_layer, tensor.dtype, 0.0};
  patches.by_shard[place.shard].push_back(patch(tensor, floats_of(tensor), wanted, loss.loss));
  patches.losses.push_back(std::move(loss));
}

std::vector<float> shifted_bias(const HfShards& shards,
                                const HfTensor& bias,
                                const LayerUpdate& layer,
                                double strength) {
  if (bias.name.empty()) {
    mismatch("the router of layer " + std::to_string(layer.i_layer) +
                 " has no bias, but the update has a shift for it",
             "fit the update on the GGUF of this model");
  }
  std::vector<float> wanted = floats_of(shards.find(bias));
  for (size_t e = 0; e < wanted.size(); ++e) {
    wanted[e] = to_float(wanted[e] + strength * layer.shift[e]);
  }
  return wanted;
}

HfShards open_shards(const std::string& folder) {
  HfShards shards{open_hf_folder(folder), {}};
  for (const std::string& shard : shards.folder.shards) {
    shards.files.emplace(shard, SafetensorsFile::open(path_within(folder, shard)));
  }
  return shards;
}

void require_layers(const HfShards& shards, const RouterUpdate& update) {
  for (const int64_t block : update.blocks) {
    const auto found = shards.folder.routers.find(block);
    if (found == shards.folder.routers.end() || found->second.weight.name.empty()) {
      mismatch("block " + std::to_string(block) + " of " + printable(shards.folder.path) +
                   " has no router, expected " + std::to_string(update.n_layer) +
                   " of them in blocks " + std::to_string(update.blocks.front()) + " to " +
                   std::to_string(update.blocks.back()),
               "the mask is for another model, or the router names of this model family are not "
               "supported");
    }
    const SafetensorsTensor& weight = shards.find(found->second.weight);
    if (weight.shape != std::vector<int64_t>{update.n_expert, update.n_embd}) {
      mismatch("router " + printable(weight.name) + " is not of shape [" +
                   std::to_string(update.n_expert) + ", " + std::to_string(update.n_embd) + "]",
               "the mask is for another model");
    }
    const HfTensor& bias = found->second.bias;
    if (!bias.name.empty() && shards.find(bias).shape != std::vector<int64_t>{update.n_expert}) {
      mismatch("router bias " + printable(bias.name) + " is not of shape [" +
                   std::to_string(update.n_expert) + "]",
               "the mask is for another model");
    }
  }
}

void require_fingerprint(const HfShards& shards, const RouterUpdate& update) {
  const UpdateOrigin& origin = update.origin;
  RouterFingerprint fingerprint(origin.architecture);
  RouterSketch sketch;
  for (const int64_t block : update.blocks) {
    const HfRouter& router = shards.folder.routers.at(block);
    const std::vector<float> weight = floats_of(shards.find(router.weight));
    fingerprint.add(block,
                    "weight",
                    kGgufF32,
                    {update.n_embd, update.n_expert},
                    weight.data(),
                    weight.size() * sizeof(float));
    sketch.add(type_of(shards.find(router.weight)), weight.data(), std::ssize(weight));
    if (!router.bias.name.empty()) {
      const std::vector<float> bias = floats_of(shards.find(router.bias));
      fingerprint.add(
          block, "bias", kGgufF32, {update.n_expert}, bias.data(), bias.size() * sizeof(float));
      sketch.add(type_of(shards.find(router.bias)), bias.data(), std::ssize(bias));
    }
  }
  if (!have_same_routers({origin.architecture, origin.fingerprint, origin.routers},
                         {origin.architecture, fingerprint.hex(), sketch})) {
    mismatch(
        "the routers in " + printable(shards.folder.path) + " are not those of '" +
            origin.model_name + "', for which the mask was made",
        "use the folder that the GGUF was converted from; if the mask is of an earlier mascing "
        "and its GGUF does not store routers in F32, skip this check with --any-model");
  }
}

}  // namespace

HfShards open_fitting(const std::string& folder, const RouterUpdate& update, bool any_model) {
  HfShards shards = open_shards(folder);
  require_layers(shards, update);
  if (!any_model) {
    require_fingerprint(shards, update);
  }
  return shards;
}

HfPatches patch_routers(const HfShards& shards, const RouterUpdate& update) {
  HfPatches patches;
  const double strength = update.origin.alpha;
  for (const LayerUpdate& layer : update.layers) {
    const HfRouter& router = shards.folder.routers.at(update.blocks[layer.i_layer]);
    if (layer.rank > 0) {
      const std::vector<float> original = floats_of(shards.find(router.weight));
      const std::vector<float> wanted =
          changed_weight(original, layer, update.n_expert, update.n_embd, strength);
      add_patch(shards, router.weight, layer.i_layer, wanted, patches);
    }
    if (!layer.shift.empty()) {
      const std::vector<float> wanted = shifted_bias(shards, router.bias, layer, strength);
      add_patch(shards, router.bias, layer.i_layer, wanted, patches);
    }
  }
  for (auto& [shard, changed] : patches.by_shard) {
    std::sort(changed.begin(), changed.end(), [](const HfPatch& a, const HfPatch& b) {
      return a.tensor->data < b.tensor->data;
    });
  }
  return patches;
}

std::map<std::string, std::string> hashes_of(const HfPatches& patches) {
  std::map<std::string, std::string> all;
  for (const auto& [shard, changed] : patches.by_shard) {
    for (const HfPatch& patch : changed) {
      all[patch.tensor->name] =
          sha256_hex({reinterpret_cast<const char*>(patch.bytes.data()), patch.bytes.size()});
    }
  }
  return all;
}

void write_shard(const SafetensorsFile& file,
                 const std::vector<HfPatch>& patches,
                 const std::string& path,
                 const Progress& progress) {
  const CopySource source(file.path());
  const int64_t size = std::ssize(file.file());
  AtomicFile out(path);
  int64_t position = 0;
  for (const HfPatch& patch : patches) {
    const int64_t place = patch.tensor->data - file.file().data();
    copy_in_pieces(source, position, place, size, out, progress);
    out.write(patch.bytes.data(), patch.bytes.size());
    position = place + std::ssize(patch.bytes);
  }
  copy_in_pieces(source, position, size, size, out, progress);
  out.commit();
}

}  // namespace mascing
