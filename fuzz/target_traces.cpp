// Trace stores: the first byte says whether the rest is the manifest ('M') or a shard ('S'); the
// other files of the store are whole. What is accepted is hashed, which reads every number.
#include "base/files.h"
#include "format/trace_store.h"
#include "fuzz.h"

namespace mascing::fuzz {

namespace {

constexpr const char* kManifest = "manifest.json";
constexpr const char* kShard = "shard-aa.safetensors";

/// A store of two shards; the files that are overwritten keep their content beside them.
struct Store {
  ScratchFolder folder;
  std::string manifest;
  std::string shard;

  Store() {
    TraceStoreHeader header;
    header.n_layer = 2;
    header.n_expert = 3;
    header.n_expert_used = 1;
    header.blocks = {1, 2};
    header.architecture = "qwen3moe";
    header.fingerprint = "f00d";
    TraceStoreWriter writer(folder.path(), header);
    writer.add_shard("aa", {trace("one", 2), trace("two", 1)});
    writer.add_shard("bb", {trace("three", 1)});
    writer.finish({"aa", "bb"});
    manifest = read_text_file(folder.path(kManifest));
    shard = read_text_file(folder.path(kShard));
  }

  static StoredTrace trace(const std::string& id, int64_t n_token) {
    return {id, "owls", "attacks", 1, n_token, std::vector<uint16_t>(n_token * 6, 0x3C00)};
  }
};

const Store& store() {
  static const Store only;
  return only;
}

}  // namespace

std::vector<std::string> seeds() {
  return {"M" + store().manifest, "S" + store().shard};
}

std::vector<std::string> words() {
  return {"\"shards\":",
          "\"n_layer\":",
          "\"blocks\":",
          "aa",
          "bb",
          "../",
          "-1",
          "1e9",
          "9223372036854775808",
          "\"dtype\":",
          "\"shape\":",
          "\"data_offsets\":",
          "[]",
          "{}",
          "null"};
}

}  // namespace mascing::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace mascing;
  using namespace mascing::fuzz;
  if (size == 0) {
    return 0;
  }
  const std::string_view rest = view(data, size).substr(1);
  const bool is_manifest = data[0] == 'M';
  write_plainly(store().folder.path(kManifest),
                is_manifest ? rest : std::string_view(store().manifest));
  write_plainly(store().folder.path(kShard), is_manifest ? std::string_view(store().shard) : rest);
  expect_value_or_error([&] { (void)hash_traces(read_traces(store().folder.path())); });
  return 0;
}
