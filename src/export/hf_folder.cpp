// Names of router tensors, and where they lie.
#include "export/hf_folder.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <set>
#include <string_view>

#include <nlohmann/json.hpp>

#include "base/files.h"
#include "base/text.h"
#include "format/json_text.h"
#include "mascing/error.h"

namespace mascing {
namespace {

constexpr const char* kIndexName = "model.safetensors.index.json";
constexpr const char* kSingleName = "model.safetensors";

// What stands between the block's number and ".weight" or ".bias".
constexpr std::array<std::string_view, 12> kRouterNames = {"mlp.gate",
                                                           "mlp.router",
                                                           "mlp.gate.wg",
                                                           "mlp.router.gate",
                                                           "block_sparse_moe.gate",
                                                           "block_sparse_moe.router.layer",
                                                           "feed_forward.router",
                                                           "feed_forward.gate",
                                                           "moe.gate",
                                                           "mixer.gate",
                                                           "ffn.router.layer",
                                                           "ffn.gate"};

constexpr std::array<std::string_view, 2> kOtherParts = {"mtp.", "talker."};

constexpr std::array<std::string_view, 3> kBlockNames = {"layers.", "blocks.", "h."};

[[noreturn]] void fail_index(const std::string& path,
                             const std::string& what,
                             const std::string& hint) {
  throw Error(ErrorKind::kBadInput, "[hf] " + printable(path, 200) + ": " + what, hint);
}

bool starts_component(std::string_view name, size_t position) {
  return position == 0 || name[position - 1] == '.';
}

/// Heads that predict ahead and speech: they have blocks of their own, which masks do not reach.
bool is_of_other_part(std::string_view name) {
  return std::any_of(kOtherParts.begin(), kOtherParts.end(), [&](std::string_view part) {
    const size_t at = name.find(part);
    return at != std::string_view::npos && starts_component(name, at);
  });
}

/// weight_map of the index: tensor name -> shard.
std::map<std::string, std::string> read_index(const std::string& path) {
  const nlohmann::json index = parse_json_or_discard(read_text_file(path));
  if (!index.is_object() || !index.contains("weight_map") || !index["weight_map"].is_object()) {
    fail_index(path,
               "is not an index of safetensors files, \"weight_map\" is missing",
               "download it again");
  }
  std::map<std::string, std::string> map;
  for (const auto& [name, shard] : index["weight_map"].items()) {
    const std::string file = shard.is_string() ? shard.get<std::string>() : "";
    if (file.empty() || file != file_name(file) || file == "..") {
      fail_index(path, "has no file for tensor \"" + printable(name) + "\"", "download it again");
    }
    map[name] = file;
  }
  return map;
}

void add_router(const std::string& shard, const std::string& name, HfFolder& folder) {
  bool is_bias = false;
  const int64_t block = router_block(name, is_bias);
  if (block < 0) {
    return;
  }
  HfRouter& router = folder.routers[block];
  HfTensor& tensor = is_bias ? router.bias : router.weight;
  if (!tensor.name.empty()) {
    fail_index(folder.path,
               "block " + std::to_string(block) + " seems to have two routers: \"" + tensor.name +
                   "\" and \"" + printable(name) + "\"",
               "this model family is not supported");
  }
  tensor = {shard, name};
}

}  // namespace

int64_t router_block(const std::string& name, bool& is_bias) {
  const std::string_view view = name;
  if (is_of_other_part(view)) {
    return -1;
  }
  for (const std::string_view prefix : kBlockNames) {
    const size_t at = view.find(prefix);
    if (at == std::string_view::npos || !starts_component(view, at)) {
      continue;
    }
    int64_t block = -1;
    const char* begin = view.data() + at + prefix.size();
    const char* end = view.data() + view.size();
    const auto [stop, failure] = std::from_chars(begin, end, block);
    if (failure != std::errc{} || stop == end || *stop != '.' || block < 0) {
      continue;
    }
    std::string_view rest = view.substr(stop + 1 - view.data());
    is_bias = rest.ends_with(".bias");
    if (!is_bias && !rest.ends_with(".weight")) {
      continue;
    }
    rest.remove_suffix(is_bias ? 5 : 7);
    if (std::find(kRouterNames.begin(), kRouterNames.end(), rest) != kRouterNames.end()) {
      return block;
    }
  }
  return -1;
}

HfFolder open_hf_folder(const std::string& path) {
  HfFolder folder;
  folder.path = path;
  std::map<std::string, std::string> index;
  std::set<std::string> shards;
  const std::string index_path = path + "/" + kIndexName;
  if (file_exists(index_path)) {
    index = read_index(index_path);
    for (const auto& [name, shard] : index) {
      shards.insert(shard);
    }
  } else if (file_exists(path + "/" + kSingleName)) {
    shards.insert(kSingleName);
  } else {
    fail_index(path,
               std::string("holds neither ") + kIndexName + " nor " + kSingleName,
               "use the folder of a Hugging Face model in safetensors");
  }
  folder.shards.assign(shards.begin(), shards.end());
  for (const std::string& shard : folder.shards) {
    const std::string shard_path = path_within(path, shard);
    if (!file_exists(shard_path)) {
      fail_index(index_path,
                 "names the file " + printable(shard) + ", which is missing",
                 "download the model again");
    }
    const SafetensorsFile file = SafetensorsFile::open(shard_path);
    for (const SafetensorsTensor& tensor : file.tensors()) {
      const auto listed = index.find(tensor.name);
      if (listed == index.end() ? index.empty() : listed->second == shard) {
        add_router(shard, tensor.name, folder);
      }
    }
    for (const auto& [name, file_of] : index) {
      if (file_of == shard && file.find(name) == nullptr) {
        fail_index(index_path,
                   "says that tensor \"" + printable(name) + "\" is in " + printable(shard) +
                       ", but it is not",
                   "index and files do not belong together; download the model again");
      }
    }
  }
  return folder;
}

}  // namespace mascing
