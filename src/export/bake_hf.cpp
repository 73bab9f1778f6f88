// Routers are found by name, checked against the mask's fingerprint and patched in copies of the
// files (hf_patches.h), in a folder that gets its name when it is complete.
#include "export/bake_hf.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>

#include <nlohmann/json.hpp>
#include <unistd.h>

#include "base/files.h"
#include "base/sha256.h"
#include "base/text.h"
#include "export/gguf_patch.h"
#include "export/hf_folder.h"
#include "export/hf_patches.h"
#include "export/unfinished_folder.h"
#include "format/json_text.h"
#include "mascing/error.h"

namespace mascing {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr const char* kRecordName = "mascing.json";

bool holds_weights(const std::string& name) {
  static const std::vector<std::string> endings = {
      ".safetensors", ".bin", ".pt", ".pth", ".gguf", ".onnx", ".h5", ".msgpack", ".ckpt"};
  return std::any_of(endings.begin(), endings.end(), [&](const std::string& ending) {
    return name.ends_with(ending);
  });
}

/// The folder that the hub's cache keeps files in: <repository>/snapshots/<revision> links to
/// <repository>/blobs. Empty for other folders.
fs::path blobs_of(const fs::path& folder) {
  const fs::path parent = folder.parent_path();
  return parent.filename() == "snapshots" ? parent.parent_path() / "blobs" : fs::path();
}

/// True for the folder itself, too. Both are whole paths.
bool is_within(const fs::path& place, const fs::path& folder) {
  return std::mismatch(folder.begin(), folder.end(), place.begin(), place.end()).first ==
         folder.end();
}

/// What goes into the new folder is on its way to be published: nothing but readable files of the
/// model's folder.
void require_own_file(const std::string& folder, const std::string& name) {
  std::error_code failure;
  const fs::path place = fs::canonical(path_within(folder, name), failure);
  if (failure || !fs::is_regular_file(place, failure) || ::access(place.c_str(), R_OK) != 0) {
    throw Error(ErrorKind::kBadInput,
                "[hf] " + printable(path_within(folder, name), 200) + " is not a readable file",
                "the model's folder should hold plain files; repair or remove this one");
  }
  const fs::path home = fs::canonical(folder, failure);
  const fs::path blobs = blobs_of(home);
  const fs::path parent = place.parent_path();
  if (!is_within(parent, home) && (blobs.empty() || !is_within(parent, blobs))) {
    throw Error(ErrorKind::kBadInput,
                "[hf] " + printable(path_within(folder, name), 200) +
                    " is a link to a file outside of the folder: " + printable(place.string(), 200),
                "replace the link by the file, if it belongs to the model");
  }
}

/// The files of a folder in the model's folder, to be copied. None if it holds weights, which would
/// not be steered, is hidden, or is a link.
std::vector<std::string> files_below(const fs::directory_entry& outer) {
  const std::string name = outer.path().filename().string();
  std::vector<std::string> files;
  if (name.starts_with('.') || outer.is_symlink()) {
    return files;
  }
  for (const auto& inner : fs::recursive_directory_iterator(outer.path())) {
    if (inner.is_symlink() || !inner.is_directory()) {
      files.push_back(name + "/" + inner.path().lexically_relative(outer.path()).string());
    }
  }
  return std::any_of(files.begin(), files.end(), holds_weights) ? std::vector<std::string>()
                                                                : files;
}

/// What becomes of each file. Throws as require_own_file.
HfReport sort_files(const std::string& folder, const HfShards& shards, const HfPatches& patches) {
  HfReport found;
  found.losses = patches.losses;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (patches.by_shard.count(name) > 0) {
      found.rewritten.push_back(name);
    } else if (entry.is_directory(ignored)) {
      const std::vector<std::string> files = files_below(entry);
      found.linked.insert(found.linked.end(), files.begin(), files.end());
      if (files.empty()) {
        found.skipped.push_back(name);
      }
    } else if (shards.files.count(name) == 0 && holds_weights(name)) {
      found.skipped.push_back(name);
    } else {
      found.linked.push_back(name);
    }
  }
  for (auto* names : {&found.rewritten, &found.linked, &found.skipped}) {
    std::sort(names->begin(), names->end());
  }
  for (const auto* names : {&found.rewritten, &found.linked}) {
    for (const std::string& name : *names) {
      require_own_file(folder, name);
    }
  }
  return found;
}

std::string record_of(const RouterUpdate& update, const HfPatches& patches) {
  const UpdateOrigin& origin = update.origin;
  const json record = {{"tool_version", origin.tool_version},
                       {"mask_hash", origin.mask_hash},
                       {"scenario", origin.scenario},
                       {"direction", origin.direction},
                       {"model_name", origin.model_name},
                       {"fingerprint", origin.fingerprint},
                       {"alpha", origin.alpha},
                       {"routers", hashes_of(patches)}};
  return record.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

/// Of a value in the record of a baked folder.
void require_type(bool is_right, const std::string& path, const std::string& key) {
  if (!is_right) {
    throw Error(ErrorKind::kBadInput,
                "[hf] " + printable(path, 200) + ": \"" + printable(key) + "\" is of another type",
                "the record is damaged; bake the folder again");
  }
}

}  // namespace

void require_unbaked_folder(const std::string& folder) {
  if (file_exists(folder + "/" + kRecordName)) {
    throw Error(ErrorKind::kBadInput,
                "[hf] " + printable(folder, 200) + " is already baked",
                "bake the original folder");
  }
}

/// What is being written would be taken for files of the model.
void require_outside(const std::string& output, const std::string& folder) {
  const fs::path home = fs::weakly_canonical(fs::absolute(folder));
  const fs::path place = fs::weakly_canonical(fs::absolute(output));
  if (place != home && is_within(place, home)) {  // the folder itself is in use anyway
    throw Error(ErrorKind::kUsage,
                "[hf] the output " + printable(output, 200) + " is within the model's folder " +
                    printable(folder, 200),
                "choose a folder beside it");
  }
}

HfReport bake_hf(const std::string& folder,
                 const std::string& output,
                 const RouterUpdate& update,
                 bool any_model,
                 const Progress& progress) {
  require_unbaked_folder(folder);
  require_outside(output, folder);
  const HfShards shards = open_fitting(folder, update, any_model);
  const HfPatches patches = patch_routers(shards, update);
  require_kept(patches.losses, kHfRoundingHint);
  UnfinishedFolder unfinished(output);
  HfReport found = sort_files(folder, shards, patches);
  for (const std::string& name : found.linked) {
    const bool is_shard = shards.files.count(name) > 0;
    fs::create_directories(fs::path(unfinished.file(name)).parent_path());
    // Weights are large and nobody edits them; a linked config would be edited in both folders.
    (is_shard ? link_or_copy : copy_file)(path_within(folder, name), unfinished.file(name));
  }
  for (const std::string& name : found.rewritten) {
    write_shard(shards.files.at(name), patches.by_shard.at(name), unfinished.file(name), progress);
  }
  write_file_atomically(unfinished.file(kRecordName), record_of(update, patches));
  unfinished.finish();
  return found;
}

HfRecord describe_hf_bake(const std::string& folder) {
  const std::string path = folder + "/" + kRecordName;
  if (!file_exists(path)) {
    return {};
  }
  const json record = parse_json_or_discard(read_text_file(path));
  if (!record.is_object() || !record.contains("routers") || !record["routers"].is_object()) {
    throw Error(ErrorKind::kBadInput,
                "[hf] " + printable(path, 200) + " is damaged",
                "bake the folder again");
  }
  HfRecord found;
  for (const char* key : {"scenario", "model_name", "mask_hash", "fingerprint"}) {
    const json value = record.value(key, json("unknown"));
    require_type(value.is_string(), path, key);
    found.lines.push_back(std::string(key) + "  " + printable(value.get<std::string>(), 200));
  }
  const json alpha = record.value("alpha", json(0.0));
  require_type(alpha.is_number(), path, "alpha");
  found.lines.push_back("alpha  " + format_number(alpha.get<double>(), 3));
  const HfFolder hf = open_hf_folder(folder);
  std::map<std::string, std::string> shard_of;
  for (const auto& [block, router] : hf.routers) {
    shard_of[router.weight.name] = router.weight.shard;
    shard_of[router.bias.name] = router.bias.shard;
  }
  for (const auto& [name, hash] : record["routers"].items()) {
    const auto shard = shard_of.find(name);
    const auto file = shard == shard_of.end()
                          ? nullptr
                          : std::make_unique<SafetensorsFile>(
                                SafetensorsFile::open(folder + "/" + shard->second));
    const SafetensorsTensor* tensor = file ? file->find(name) : nullptr;
    require_type(hash.is_string(), path, name);
    const bool is_same =
        tensor != nullptr &&
        hash == sha256_hex({reinterpret_cast<const char*>(tensor->data), tensor->size_bytes});
    found.n_changed += is_same ? 0 : 1;
  }
  found.lines.push_back(found.n_changed == 0 ? "routers  intact"
                                             : "routers  " + std::to_string(found.n_changed) +
                                                   " changed after baking");
  return found;
}

}  // namespace mascing
