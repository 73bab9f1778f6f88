// Trace stores: the first byte says whether the rest is the manifest ('M'), a shard ('S') or the
// header of a shard ('H'); all else of the store is whole. What is accepted is hashed, which reads
// every number, and trained on, which may refuse the numbers but nothing else.
#include "base/files.h"
#include "fuzz.h"
#include "mascing/trace_store.h"
#include "mascing/train.h"

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
    writer.add_shard("aa", {trace("one", 1, 2), trace("two", 0, 1)});
    writer.add_shard("bb", {trace("three", 1, 1)});
    writer.finish({"aa", "bb"});
    manifest = read_text_file(folder.path(kManifest));
    shard = read_text_file(folder.path(kShard));
  }

  static StoredTrace trace(const std::string& id, int label, int64_t n_token) {
    return {id, "owls", "attacks", label, n_token, std::vector<uint16_t>(n_token * 6, 0x3C00)};
  }
};

const Store& store() {
  static const Store only;
  return only;
}

/// Writes the file that is damaged, and the other one whole if the last input damaged that.
void damage(char kind, std::string_view rest) {
  static char last = 0;
  const bool is_manifest = kind == 'M';
  const bool was_other = last != 0 && (last == 'M') != is_manifest;
  last = kind;
  if (was_other) {
    write_plainly(store().folder.path(is_manifest ? kShard : kManifest),
                  is_manifest ? store().shard : store().manifest);
  }
  const std::string bytes = kind == 'H' ? with_header(rest, store().shard) : std::string(rest);
  write_plainly(store().folder.path(is_manifest ? kManifest : kShard), bytes);
}

void train_on(const TraceSet& set) {
  TrainOptions options;
  options.n_proj = 1;
  options.n_hidden = 1;
  options.n_epoch = 1;
  options.validation_share = 0.0;
  (void)train_surrogate(set, options);
}

}  // namespace

std::vector<std::string> seeds() {
  return {"M" + store().manifest, "S" + store().shard, "H" + header_of(store().shard)};
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

void try_input(std::string_view input) {
  const char kind = kind_of(input);
  const std::string_view rest = rest_of(input);
  damage(kind, rest);
  expect_value_or_error([&] {
    const TraceSet set = read_traces(store().folder.path());
    (void)hash_traces(set);
    train_on(set);
  });
}

}  // namespace mascing::fuzz
