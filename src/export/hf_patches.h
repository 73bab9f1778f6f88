// What an update changes in the safetensors files of a Hugging Face folder. Only for the .cpp files
// of this folder.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "export/hf_folder.h"
#include "export/router_update.h"
#include "mascing/progress.h"

namespace mascing {

/// A folder with its shards mapped.
struct HfShards {
  HfFolder folder;
  std::map<std::string, SafetensorsFile> files;  ///< by file name

  [[nodiscard]] const SafetensorsTensor& find(const HfTensor& tensor) const {
    return *files.at(tensor.shard).find(tensor.name);
  }
};

/// Throws Error{kBadInput} for a damaged folder, Error{kMismatch} unless it has a router of the
/// right shape for every layer and, but for `any_model`, they are those the mask was made for.
[[nodiscard]] HfShards open_fitting(const std::string& folder,
                                    const RouterUpdate& update,
                                    bool any_model);

/// A changed tensor of one shard.
struct HfPatch {
  const SafetensorsTensor* tensor = nullptr;
  std::vector<std::byte> bytes;
};

struct HfPatches {
  std::map<std::string, std::vector<HfPatch>> by_shard;  ///< in file order
  std::vector<RoundingLoss> losses;
};

/// New bytes of all routers that the update changes. Throws Error{kMismatch} for a shift where a
/// router has no bias.
[[nodiscard]] HfPatches patch_routers(const HfShards& shards, const RouterUpdate& update);

/// Tensor name -> SHA-256 of its new bytes.
[[nodiscard]] std::map<std::string, std::string> hashes_of(const HfPatches& patches);

/// A copy of a shard with its patches, which are in file order.
void write_shard(const SafetensorsFile& file,
                 const std::vector<HfPatch>& patches,
                 const std::string& path,
                 const Progress& progress);

}  // namespace mascing
