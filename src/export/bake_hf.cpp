// Routers are found by name, checked against the mask's fingerprint (GGUF files keep routers in
// F32, so their bytes can be computed from any of the folder's types) and patched in copies of the
// files.
#include "export/bake_hf.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <map>
#include <memory>

#include <nlohmann/json.hpp>
#include <unistd.h>

#include "base/files.h"
#include "base/numeric.h"
#include "base/sha256.h"
#include "base/text.h"
#include "export/baked_routers.h"
#include "export/gguf_patch.h"
#include "export/hf_folder.h"
#include "format/router_fingerprint.h"
#include "mascing/error.h"

namespace mascing {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr const char* kRecordName = "mascing.json";
constexpr const char* kUnfinished = ".tmp-";  // and the number of the process, behind the name

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
  const int64_t n = tensor.size_bytes / (type == kGgufF32 ? 4 : 2);
  std::vector<float> values(n);
  plain_codec().decode(type, tensor.data, n, values.data());
  return values;
}

/// A changed tensor of one shard.
struct HfPatch {
  const SafetensorsTensor* tensor = nullptr;
  std::vector<std::byte> bytes;
};

/// The folder's shards, mapped, and what is to change in each.
class Baking {
 public:
  Baking(const std::string& folder, const RouterUpdate& update)
      : folder_(open_hf_folder(folder)), update_(update) {
    for (const std::string& shard : folder_.shards) {
      files_.emplace(shard, SafetensorsFile::open(path_within(folder, shard)));
    }
    require_layers();
  }

  void require_fingerprint() const {
    RouterFingerprint fingerprint(update_.origin.architecture);
    for (const int64_t block : update_.blocks) {
      const HfRouter& router = folder_.routers.at(block);
      const std::vector<float> weight = floats_of(find(router.weight));
      fingerprint.add(block,
                      "weight",
                      kGgufF32,
                      {update_.n_embd, update_.n_expert},
                      weight.data(),
                      weight.size() * sizeof(float));
      if (!router.bias.name.empty()) {
        const std::vector<float> bias = floats_of(find(router.bias));
        fingerprint.add(
            block, "bias", kGgufF32, {update_.n_expert}, bias.data(), bias.size() * sizeof(float));
      }
    }
    if (fingerprint.hex() != update_.origin.fingerprint) {
      mismatch(
          "the routers in " + printable(folder_.path) + " are not those of '" +
              update_.origin.model_name + "', for which the mask was made",
          "use the folder that the GGUF was converted from; if the GGUF does not store routers "
          "in F32, skip this check with --any-model");
    }
  }

  void change(std::vector<RoundingLoss>& losses) {
    for (const LayerUpdate& layer : update_.layers) {
      const HfRouter& router = folder_.routers.at(update_.blocks[layer.i_layer]);
      if (layer.rank > 0) {
        const std::vector<float> original = floats_of(find(router.weight));
        const std::vector<float> wanted =
            changed_weight(original, layer, update_.n_expert, update_.n_embd, update_.origin.alpha);
        add(router.weight, layer.i_layer, original, wanted, losses);
      }
      if (!layer.shift.empty()) {
        if (router.bias.name.empty()) {
          mismatch("the router of layer " + std::to_string(layer.i_layer) +
                       " has no bias, but the update has a shift for it",
                   "fit the update on the GGUF of this model");
        }
        const std::vector<float> original = floats_of(find(router.bias));
        std::vector<float> wanted = original;
        for (size_t e = 0; e < wanted.size(); ++e) {
          wanted[e] = to_float(wanted[e] + update_.origin.alpha * layer.shift[e]);
        }
        add(router.bias, layer.i_layer, original, wanted, losses);
      }
    }
  }

  void write_shard(const std::string& shard, const std::string& path, const Progress& progress) {
    const SafetensorsFile& file = files_.at(shard);
    std::vector<HfPatch>& patches = patches_[shard];
    std::sort(patches.begin(), patches.end(), [](const HfPatch& a, const HfPatch& b) {
      return a.tensor->data < b.tensor->data;
    });
    const CopySource source(file.path());
    AtomicFile out(path);
    int64_t position = 0;
    for (const HfPatch& patch : patches) {
      const int64_t place = patch.tensor->data - file.file().data();
      copy_in_pieces(source, position, place, out, progress);
      out.write(patch.bytes.data(), patch.bytes.size());
      position = place + std::ssize(patch.bytes);
    }
    copy_in_pieces(source, position, std::ssize(file.file()), out, progress);
    out.commit();
  }

  [[nodiscard]] const HfFolder& folder() const { return folder_; }
  [[nodiscard]] bool is_changed(const std::string& shard) const {
    return patches_.count(shard) > 0;
  }

  /// Tensor name -> SHA-256 of its new bytes.
  [[nodiscard]] std::map<std::string, std::string> hashes() const {
    std::map<std::string, std::string> all;
    for (const auto& [shard, patches] : patches_) {
      for (const HfPatch& patch : patches) {
        all[patch.tensor->name] =
            sha256_hex({reinterpret_cast<const char*>(patch.bytes.data()), patch.bytes.size()});
      }
    }
    return all;
  }

 private:
  [[nodiscard]] const SafetensorsTensor& find(const HfTensor& tensor) const {
    return *files_.at(tensor.shard).find(tensor.name);
  }

  void require_layers() const {
    for (const int64_t block : update_.blocks) {
      const auto found = folder_.routers.find(block);
      if (found == folder_.routers.end() || found->second.weight.name.empty()) {
        mismatch("block " + std::to_string(block) + " of " + printable(folder_.path) +
                     " has no router, expected " + std::to_string(update_.n_layer) +
                     " of them in blocks " + std::to_string(update_.blocks.front()) + " to " +
                     std::to_string(update_.blocks.back()),
                 "the mask is for another model, or the router names of this model family are "
                 "not supported");
      }
      const SafetensorsTensor& weight = find(found->second.weight);
      if (weight.shape != std::vector<int64_t>{update_.n_expert, update_.n_embd}) {
        mismatch("router " + printable(weight.name) + " is not of shape [" +
                     std::to_string(update_.n_expert) + ", " + std::to_string(update_.n_embd) + "]",
                 "the mask is for another model");
      }
    }
  }

  void add(const HfTensor& place,
           int64_t i_layer,
           const std::vector<float>& original,
           const std::vector<float>& wanted,
           std::vector<RoundingLoss>& losses) {
    const SafetensorsTensor& tensor = find(place);
    HfPatch patch{&tensor, std::vector<std::byte>(tensor.size_bytes)};
    const int32_t type = type_of(tensor);
    const int64_t n = std::ssize(wanted);
    plain_codec().encode(type, wanted.data(), 1, n, patch.bytes.data());
    std::vector<float> stored(wanted.size());
    plain_codec().decode(type, patch.bytes.data(), n, stored.data());
    losses.push_back({i_layer, tensor.dtype, rounding_loss(original, wanted, stored)});
    patches_[place.shard].push_back(std::move(patch));
  }

  static void copy_in_pieces(const CopySource& source,
                             int64_t begin,
                             int64_t end,
                             AtomicFile& out,
                             const Progress& progress) {
    constexpr int64_t kPiece = int64_t{64} << 20;
    for (; begin < end; begin += kPiece) {
      out.append_from(source, begin, std::min(kPiece, end - begin));
      report(progress, {"copy", begin >> 20, end >> 20, "MiB", ""});
    }
  }

  HfFolder folder_;
  const RouterUpdate& update_;
  std::map<std::string, SafetensorsFile> files_;
  std::map<std::string, std::vector<HfPatch>> patches_;
};

/// "out/hf/" -> "out/hf", so that temporary names are next to the folder, not inside it.
std::string without_slash(std::string path) {
  while (path.size() > 1 && path.back() == '/') {
    path.pop_back();
  }
  return path;
}

/// A temporary folder, removed with its content unless it was renamed to its final name.
class UnfinishedFolder {
 public:
  explicit UnfinishedFolder(const std::string& final_path)
      : final_path_(without_slash(final_path)),
        path_(final_path_ + kUnfinished + std::to_string(::getpid())) {
    std::error_code ignored;
    if (fs::exists(final_path, ignored) && !fs::is_empty(final_path, ignored)) {
      throw Error(ErrorKind::kUsage,
                  "[hf] " + printable(final_path, 200) + " already exists",
                  "choose a new folder; models are never overwritten");
    }
    remove_abandoned();
    ensure_directory(path_);
  }
  ~UnfinishedFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  UnfinishedFolder(const UnfinishedFolder&) = delete;
  UnfinishedFolder& operator=(const UnfinishedFolder&) = delete;

  [[nodiscard]] std::string file(const std::string& name) const { return path_ + "/" + name; }
  void finish() {
    std::error_code failure;
    fs::remove(final_path_, failure);
    fs::rename(path_, final_path_, failure);
    if (failure) {
      throw Error(ErrorKind::kSystem,
                  "[hf] cannot give " + path_ + " its final name: " + failure.message(),
                  "check the output folder");
    }
  }

 private:
  /// Removes leftovers of killed processes: temporary folders whose process no longer runs.
  void remove_abandoned() const {
    std::error_code ignored;
    const fs::path parent = fs::absolute(final_path_, ignored).parent_path();
    const std::string prefix = file_name(final_path_) + kUnfinished;
    for (const auto& entry : fs::directory_iterator(parent, ignored)) {
      const std::string name = entry.path().filename().string();
      const std::string digits = name.starts_with(prefix) ? name.substr(prefix.size()) : "";
      const bool is_number = !digits.empty() && digits.size() < 10 &&
                             digits.find_first_not_of("0123456789") == std::string::npos;
      if (is_number && ::kill(std::stoi(digits), 0) != 0 && errno == ESRCH) {
        fs::remove_all(entry.path(), ignored);
      }
    }
  }

  std::string final_path_;
  std::string path_;
};

bool holds_weights(const std::string& name) {
  static const std::vector<std::string> endings = {
      ".safetensors", ".bin", ".pt", ".pth", ".gguf", ".onnx", ".h5", ".msgpack", ".ckpt"};
  return std::any_of(endings.begin(), endings.end(), [&](const std::string& ending) {
    return name.ends_with(ending);
  });
}

std::string record_of(const RouterUpdate& update, const Baking& baking) {
  const UpdateOrigin& origin = update.origin;
  const json record = {{"tool_version", origin.tool_version},
                       {"mask_hash", origin.mask_hash},
                       {"scenario", origin.scenario},
                       {"direction", origin.direction},
                       {"model_name", origin.model_name},
                       {"fingerprint", origin.fingerprint},
                       {"alpha", origin.alpha},
                       {"routers", baking.hashes()}};
  return record.dump(2) + "\n";
}

}  // namespace

HfReport bake_hf(const std::string& folder,
                 const std::string& output,
                 const RouterUpdate& update,
                 bool any_model,
                 const Progress& progress) {
  if (file_exists(folder + "/" + kRecordName)) {
    throw Error(ErrorKind::kBadInput,
                "[hf] " + printable(folder, 200) + " is already baked",
                "bake the original folder");
  }
  Baking baking(folder, update);
  if (!any_model) {
    baking.require_fingerprint();
  }
  HfReport found;
  baking.change(found.losses);
  UnfinishedFolder unfinished(output);
  const std::vector<std::string>& shards = baking.folder().shards;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    const bool is_shard = std::find(shards.begin(), shards.end(), name) != shards.end();
    if (is_shard && baking.is_changed(name)) {
      found.rewritten.push_back(name);
    } else if (entry.is_regular_file() && (is_shard || !holds_weights(name))) {
      found.linked.push_back(name);
    } else {
      found.skipped.push_back(name);
    }
  }
  for (auto* names : {&found.rewritten, &found.linked, &found.skipped}) {
    std::sort(names->begin(), names->end());
  }
  for (const std::string& name : found.linked) {
    link_or_copy(path_within(folder, name), unfinished.file(name));
  }
  for (const std::string& name : found.rewritten) {
    baking.write_shard(name, unfinished.file(name), progress);
  }
  write_file_atomically(unfinished.file(kRecordName), record_of(update, baking));
  unfinished.finish();
  return found;
}

std::vector<std::string> describe_hf_bake(const std::string& folder) {
  const std::string path = folder + "/" + kRecordName;
  if (!file_exists(path)) {
    return {};
  }
  const json record = json::parse(read_text_file(path), nullptr, false);
  if (!record.is_object() || !record.contains("routers") || !record["routers"].is_object()) {
    throw Error(ErrorKind::kBadInput, "[hf] " + path + " is damaged", "bake the folder again");
  }
  std::vector<std::string> lines;
  for (const char* key : {"scenario", "model_name", "mask_hash", "fingerprint"}) {
    lines.push_back(std::string(key) + "  " + record.value(key, std::string("unknown")));
  }
  lines.push_back("alpha  " + format_number(record.value("alpha", 0.0), 3));
  const HfFolder hf = open_hf_folder(folder);
  std::map<std::string, std::string> shard_of;
  for (const auto& [block, router] : hf.routers) {
    shard_of[router.weight.name] = router.weight.shard;
    shard_of[router.bias.name] = router.bias.shard;
  }
  int64_t n_changed = 0;
  for (const auto& [name, hash] : record["routers"].items()) {
    const auto shard = shard_of.find(name);
    const auto file = shard == shard_of.end()
                          ? nullptr
                          : std::make_unique<SafetensorsFile>(
                                SafetensorsFile::open(folder + "/" + shard->second));
    const SafetensorsTensor* tensor = file ? file->find(name) : nullptr;
    const bool is_same =
        tensor != nullptr &&
        hash == sha256_hex({reinterpret_cast<const char*>(tensor->data), tensor->size_bytes});
    n_changed += is_same ? 0 : 1;
  }
  lines.push_back(n_changed == 0
                      ? "routers  intact"
                      : "routers  " + std::to_string(n_changed) + " changed after baking");
  return lines;
}

}  // namespace mascing
