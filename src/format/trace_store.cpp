// The trace store's files:
//   manifest.json  {"kind": "mascing.traces", "format_version": 1, <header>, "router_sketch": [one
//   text a tensor...], "shards": [{"hash", "n_trace"}...]} shard-<hash>.safetensors
//     metadata: "mascing.header" = header as JSON (without inputs_hash), "mascing.shard" = hash,
//               "mascing.traces" = [{"id", "topic", "set", "label", "conversation"}...] (no
//               "conversation" in those of earlier versions), "mascing.checksum" = SHA-256 of the
//               other three and of all tensors (not in those of earlier versions)
//     tensors:  "00000000", "00000001", ...: F16 [T, L, E], in the order of "mascing.traces"
#include "mascing/trace_store.h"

#include <array>
#include <cstdio>
#include <filesystem>
#include <map>
#include <set>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/files.h"
#include "base/mapped_file.h"
#include "base/text.h"
#include "format/json_text.h"
#include "format/router_fingerprint.h"
#include "format/safetensors.h"
#include "format/trace_checksum.h"
#include "format/trace_header.h"
#include "format/trace_release.h"
#include "mascing/error.h"

namespace mascing {

namespace {

using nlohmann::json;

constexpr const char* kKind = "mascing.traces";
constexpr const char* kHeaderKey = "mascing.header";
constexpr const char* kShardKey = "mascing.shard";
constexpr const char* kTracesKey = "mascing.traces";
constexpr int64_t kTraceVersion = 1;

std::string manifest_path(const std::string& folder) {
  return folder + "/manifest.json";
}

std::string shard_path(const std::string& folder, const std::string& hash) {
  return folder + "/shard-" + hash + ".safetensors";
}

// A hash becomes part of a file name: nothing that could leave the folder.
bool is_plain_hash(const std::string& hash) {
  return !hash.empty() && hash.size() <= 128 &&
         hash.find_first_not_of("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") ==
             std::string::npos;
}

std::string tensor_name(size_t i) {
  std::array<char, 32> text{};
  const int n = std::snprintf(text.data(), text.size(), "%08zu", i);
  return {text.data(), static_cast<size_t>(n)};
}

// One opened shard, checked against itself.
struct Shard {
  std::string path;
  SafetensorsFile file;
  TraceStoreHeader header;
  std::vector<TraceView> traces;
};

std::string require_metadata(const SafetensorsFile& file, const char* key) {
  const auto found = file.metadata().find(key);
  if (found == file.metadata().end()) {
    refuse_traces(file.path(),
                  std::string("is not a shard of traces, metadata \"") + key + "\" is missing");
  }
  return found->second;
}

void describe_trace(const json& value, const std::string& path, TraceView& trace) {
  try {
    trace.id = value.at("id").get<std::string>();
    trace.topic = value.at("topic").get<std::string>();
    trace.set = value.at("set").get<std::string>();
    const int64_t label = whole_number(value.at("label"));
    if (label < -1 || label > 1) {
      refuse_traces(path,
                    "trace \"" + printable(trace.id) + "\" has label " + std::to_string(label) +
                        ", expected -1, 0 or 1");
    }
    trace.label = static_cast<int>(label);
    trace.conversation = value.value("conversation", "");
  } catch (const json::exception&) {
    refuse_traces(path, "the description of a trace is incomplete");
  }
}

void place_trace(const Shard& shard, size_t i, TraceView& trace) {
  const SafetensorsTensor* tensor = shard.file.find(tensor_name(i));
  const bool fits = tensor != nullptr && tensor->dtype == "F16" && tensor->shape.size() == 3 &&
                    tensor->shape[0] > 0 && tensor->shape[1] == shard.header.n_layer &&
                    tensor->shape[2] == shard.header.n_expert;
  const int64_t position = tensor == nullptr ? 0 : tensor->data - shard.file.file().data();
  if (!fits || position % alignof(uint16_t) != 0) {
    refuse_traces(shard.path,
                  "trace \"" + printable(trace.id) + "\": expected an F16 tensor [T, " +
                      std::to_string(shard.header.n_layer) + ", " +
                      std::to_string(shard.header.n_expert) + "]");
  }
  trace.n_token = tensor->shape[0];
  trace.logits = reinterpret_cast<const uint16_t*>(tensor->data);
}

Shard open_shard(const std::string& folder, const std::string& hash) {
  const std::string path = shard_path(folder, hash);
  if (!file_exists(path)) {
    refuse_traces(path, "this shard is missing");
  }
  Shard shard{.path = path, .file = SafetensorsFile::open(path), .header = {}, .traces = {}};
  const std::string model = require_metadata(shard.file, kHeaderKey);
  shard.header = header_from(parse_json(model, shown_store(path), kTraceAgain), path);
  if (require_metadata(shard.file, kShardKey) != hash) {
    refuse_traces(path, "contains a shard with another name");
  }
  const json list =
      parse_json(require_metadata(shard.file, kTracesKey), shown_store(path), kTraceAgain);
  if (!list.is_array() || list.size() != shard.file.tensors().size()) {
    refuse_traces(path, "the number of traces differs from the number of descriptions");
  }
  for (const json& value : list) {
    TraceView trace;
    describe_trace(value, path, trace);
    place_trace(shard, shard.traces.size(), trace);
    shard.traces.push_back(std::move(trace));
  }
  return shard;
}

void require_intact(const SafetensorsFile& file) {
  const auto stated = file.metadata().find(kTraceChecksumKey);
  if (stated == file.metadata().end()) {
    return;
  }
  std::vector<std::string_view> tensors;
  for (size_t i = 0; i < file.tensors().size(); ++i) {
    const SafetensorsTensor& tensor = *file.find(tensor_name(i));  // place_trace found it
    tensors.emplace_back(reinterpret_cast<const char*>(tensor.data), tensor.size_bytes);
  }
  const std::string found = trace_checksum(file.metadata(), tensors);
  file.file().let_go();
  if (found != stated->second) {
    refuse_traces(file.path(), "is damaged: its content does not match its checksum");
  }
}

void check_trace(const StoredTrace& trace,
                 const TraceStoreHeader& header,
                 std::set<std::string>& ids) {
  const int64_t n_value = header.n_layer * header.n_expert;
  const bool fits = trace.n_token > 0 && trace.n_token <= INT64_MAX / n_value &&
                    std::ssize(trace.logits) == trace.n_token * n_value;
  if (!fits || trace.label < -1 || trace.label > 1) {
    throw Error(ErrorKind::kUsage,
                "[traces] trace \"" + printable(trace.id) +
                    "\": " + std::to_string(trace.logits.size()) + " values, expected " +
                    std::to_string(trace.n_token) + " tokens (at least one) of " +
                    std::to_string(n_value) + ", and a label of -1, 0 or 1");
  }
  if (!ids.insert(trace.id).second) {
    throw Error(ErrorKind::kUsage,
                "[traces] trace \"" + printable(trace.id) + "\" occurs twice in a shard");
  }
}

struct Manifest {
  TraceStoreHeader header;
  std::vector<std::string> hashes;
  std::vector<int64_t> n_traces;
};

Manifest read_manifest(const std::string& folder) {
  const std::string path = manifest_path(folder);
  if (!file_exists(path)) {
    throw Error(ErrorKind::kBadInput,
                shown_store(path) + ": no such file",
                "the folder contains no finished traces; run `mascing trace` first");
  }
  const json value = parse_json(read_text_file(path), shown_store(path), kTraceAgain);
  if (!value.is_object() || !value.contains("kind") || value["kind"] != kKind) {
    refuse_traces(path, "is not a manifest of traces");
  }
  if (!value.contains("format_version") || value["format_version"] != kTraceVersion) {
    throw Error(
        ErrorKind::kBadInput,
        shown_store(path) + ": unknown format version, expected " + std::to_string(kTraceVersion),
        "the traces were written by another version of mascing; trace again");
  }
  Manifest manifest;
  manifest.header = header_from(value, path);
  try {
    for (const json& shard : value.at("shards")) {
      manifest.hashes.push_back(shard.at("hash").get<std::string>());
      manifest.n_traces.push_back(whole_number(shard.at("n_trace")));
    }
  } catch (const json::exception&) {
    refuse_traces(path, "the list of shards is incomplete");
  }
  for (const std::string& hash : manifest.hashes) {
    if (!is_plain_hash(hash)) {
      refuse_traces(path, "\"" + printable(hash) + "\" is not the hash of a shard");
    }
  }
  return manifest;
}

void require_plain_hash(const std::string& hash) {
  if (!is_plain_hash(hash)) {
    throw Error(
        ErrorKind::kUsage,
        "[traces] shard hash \"" + printable(hash) + "\", expected 1 to 128 letters and digits");
  }
}

void require_same_store_model(const Shard& shard, const TraceStoreHeader& header) {
  if (!is_same_model(shard.header, header)) {
    throw Error(ErrorKind::kMismatch,
                shown_store(shard.path) + ": was recorded on model \"" +
                    printable(shard.header.model_name) + "\" (" +
                    shard.header.fingerprint.substr(0, 12) + "), the store on \"" +
                    printable(header.model_name) + "\" (" + header.fingerprint.substr(0, 12) + ")",
                "use a separate folder for the traces of each model");
  }
}

}  // namespace

TraceStoreWriter::TraceStoreWriter(std::string folder, TraceStoreHeader header)
    : folder_(std::move(folder)), header_(std::move(header)) {
  if (!is_sensible(header_)) {
    throw Error(ErrorKind::kUsage,
                "[traces] " + std::to_string(header_.n_layer) + " layers, " +
                    std::to_string(header_.blocks.size()) + " block numbers, " +
                    std::to_string(header_.n_expert) + " experts are inconsistent");
  }
  ensure_directory(folder_);
}

bool TraceStoreWriter::is_shard_in(const std::string& folder, const std::string& shard_hash) const {
  require_plain_hash(shard_hash);
  try {
    if (!file_exists(shard_path(folder, shard_hash))) {
      return false;
    }
    const Shard shard = open_shard(folder, shard_hash);
    require_intact(shard.file);
    return is_same_model(shard.header, header_);
  } catch (const Error&) {
    return false;
  }
}

bool TraceStoreWriter::has_shard(const std::string& shard_hash) const {
  return is_shard_in(folder_, shard_hash);
}

bool TraceStoreWriter::take_shard(const std::string& shard_hash, const std::string& folder) {
  if (!is_shard_in(folder, shard_hash)) {
    return false;
  }
  const std::string path = shard_path(folder, shard_hash);
  AtomicFile copy(shard_path(folder_, shard_hash));
  copy.append_from(CopySource(path), 0, std::ssize(MappedFile(path)));
  copy.commit();
  return true;
}

void TraceStoreWriter::add_shard(const std::string& shard_hash,
                                 const std::vector<StoredTrace>& traces) {
  require_plain_hash(shard_hash);
  json list = json::array();
  std::vector<SafetensorsEntry> entries;
  std::set<std::string> ids;
  for (const StoredTrace& trace : traces) {
    check_trace(trace, header_, ids);
    list.push_back(
        {{"id", trace.id}, {"topic", trace.topic}, {"set", trace.set}, {"label", trace.label}});
    if (!trace.conversation.empty()) {
      list.back()["conversation"] = trace.conversation;
    }
    entries.push_back({.name = tensor_name(entries.size()),
                       .dtype = "F16",
                       .shape = {trace.n_token, header_.n_layer, header_.n_expert},
                       .data = trace.logits.data(),
                       .size_bytes = trace.logits.size() * sizeof(uint16_t)});
  }
  const auto replace = json::error_handler_t::replace;
  std::map<std::string, std::string> metadata = {
      {kHeaderKey, model_json(header_).dump(-1, ' ', false, replace)},
      {kShardKey, shard_hash},
      {kTracesKey, list.dump(-1, ' ', false, replace)}};
  metadata[kTraceChecksumKey] = trace_checksum(metadata, bytes_of(entries));
  write_safetensors(shard_path(folder_, shard_hash), entries, metadata);
}

void TraceStoreWriter::finish(const std::vector<std::string>& shard_hashes) {
  json manifest = model_json(header_);
  manifest["kind"] = kKind;
  manifest["format_version"] = kTraceVersion;
  manifest["inputs_hash"] = header_.inputs_hash;
  manifest["router_sketch"] = sketch_lines(header_.routers);
  manifest["shards"] = json::array();
  for (const std::string& hash : shard_hashes) {
    require_plain_hash(hash);
    const Shard shard = open_shard(folder_, hash);
    require_same_store_model(shard, header_);
    manifest["shards"].push_back({{"hash", hash}, {"n_trace", shard.traces.size()}});
  }
  const std::string text = manifest.dump(2, ' ', false, json::error_handler_t::replace);
  write_file_atomically(manifest_path(folder_), text + "\n");
}

TraceSet read_traces(const std::string& folder) {
  const Manifest manifest = read_manifest(folder);
  const TraceStoreHeader& header = manifest.header;
  TraceSet set;
  set.n_layer = header.n_layer;
  set.n_expert = header.n_expert;
  set.n_expert_used = header.n_expert_used;
  set.blocks = header.blocks;
  set.architecture = header.architecture;
  set.fingerprint = header.fingerprint;
  set.routers = header.routers;
  set.model_name = header.model_name;
  const auto files = std::make_shared<std::vector<SafetensorsFile>>();
  for (size_t i = 0; i < manifest.hashes.size(); ++i) {
    Shard shard = open_shard(folder, manifest.hashes[i]);
    require_same_store_model(shard, header);
    require_intact(shard.file);
    if (std::ssize(shard.traces) != manifest.n_traces[i]) {
      refuse_traces(shard.path,
                    "contains " + std::to_string(shard.traces.size()) +
                        " traces, the manifest lists " + std::to_string(manifest.n_traces[i]));
    }
    for (TraceView& trace : shard.traces) {
      set.traces.push_back(std::move(trace));
    }
    shard.file.file().let_go();  // looking at the header brought in much of the first traces
    files->push_back(std::move(shard.file));
  }
  set.storage = files;
  set.release = releasing(files, set.n_layer * set.n_expert);
  return set;
}

UnlistedShards unlisted_shards(const std::string& folder) {
  std::set<std::string> listed;
  for (const std::string& hash : read_manifest(folder).hashes) {
    listed.insert(file_name(shard_path(folder, hash)));
  }
  UnlistedShards unlisted;
  std::error_code failure;
  for (const auto& entry : std::filesystem::directory_iterator(folder, failure)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with("shard-") && name.ends_with(".safetensors") && !listed.contains(name)) {
      ++unlisted.n_file;
      const uintmax_t n_byte = entry.file_size(failure);
      unlisted.n_byte += failure ? 0 : static_cast<int64_t>(n_byte);
    }
  }
  return unlisted;
}

}  // namespace mascing
