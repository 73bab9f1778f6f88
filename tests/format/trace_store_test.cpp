#include "mascing/trace_store.h"

#include <filesystem>

#include <gtest/gtest.h>

#include "base/expect_error.h"
#include "base/files.h"
#include "base/temporary_folder.h"
#include "format/mutate.h"

namespace mascing {
namespace {

TraceStoreHeader small_header() {
  return {.n_layer = 2,
          .n_expert = 3,
          .n_expert_used = 1,
          .blocks = {1, 2},
          .architecture = "qwen3moe",
          .fingerprint = "f00d",
          .model_name = "tiny",
          .inputs_hash = "abc"};
}

StoredTrace small_trace(const std::string& id, int64_t n_token) {
  StoredTrace trace{
      .id = id, .topic = "owls", .set = "attacks", .label = 1, .n_token = n_token, .logits = {}};
  for (int64_t i = 0; i < n_token * 6; ++i) {
    trace.logits.push_back(static_cast<uint16_t>(i));
  }
  return trace;
}

// Two shards of two and one traces.
void write_small_store(const std::string& folder) {
  TraceStoreWriter writer(folder, small_header());
  writer.add_shard("aa", {small_trace("one", 2), small_trace("two", 1)});
  writer.add_shard("bb", {small_trace("three", 3)});
  writer.finish({"aa", "bb"});
}

TEST(TraceStore, WrittenThenReadIsEqual) {
  const TemporaryFolder folder;
  write_small_store(folder.path());
  const TraceSet set = read_traces(folder.path());
  EXPECT_EQ(set.n_layer, 2);
  EXPECT_EQ(set.n_expert, 3);
  EXPECT_EQ(set.n_expert_used, 1);
  EXPECT_EQ(set.blocks, (std::vector<int64_t>{1, 2}));
  EXPECT_EQ(set.fingerprint, "f00d");
  EXPECT_EQ(set.model_name, "tiny");
  ASSERT_EQ(set.traces.size(), 3U);
  EXPECT_EQ(set.traces[0].id, "one");
  EXPECT_EQ(set.traces[2].id, "three");
  EXPECT_EQ(set.traces[2].n_token, 3);
  EXPECT_EQ(set.traces[2].topic, "owls");
  EXPECT_EQ(set.traces[2].set, "attacks");
  EXPECT_EQ(set.traces[2].label, 1);
  for (int i = 0; i < 18; ++i) {
    EXPECT_EQ(set.traces[2].logits[i], i);
  }
}

TEST(TraceStore, AMaskOfTracesNamesTheirConversations) {
  const TemporaryFolder folder;
  TraceStoreWriter writer(folder.path(), small_header());
  StoredTrace twin = small_trace("one", 2);
  twin.conversation = "b";
  StoredTrace other = small_trace("two", 1);
  other.conversation = "a";
  StoredTrace again = small_trace("three", 1);
  again.conversation = "b";
  writer.add_shard("aa", {twin, other, again, small_trace("unknown", 1)});
  writer.finish({"aa"});
  const TraceSet set = read_traces(folder.path());
  EXPECT_EQ(set.traces[0].conversation, "b");
  EXPECT_EQ(set.traces[3].conversation, "");
  EXPECT_EQ(mask_for(set).conversations, (std::vector<std::string>{"a", "b"}));
}

TEST(TraceStore, EqualContentGivesEqualBytesAndHashes) {
  const TemporaryFolder a;
  const TemporaryFolder b;
  write_small_store(a.path());
  write_small_store(b.path());
  for (const char* name : {"manifest.json", "shard-aa.safetensors", "shard-bb.safetensors"}) {
    EXPECT_EQ(read_text_file(a.path(name)), read_text_file(b.path(name))) << name;
  }
  EXPECT_EQ(hash_traces(read_traces(a.path())), hash_traces(read_traces(b.path())));
  TraceStoreWriter writer(b.path(), small_header());
  StoredTrace other = small_trace("three", 3);
  other.logits.back() ^= 1U;
  writer.add_shard("bb", {other});
  writer.finish({"aa", "bb"});
  EXPECT_NE(hash_traces(read_traces(a.path())), hash_traces(read_traces(b.path())));
}

TEST(TraceStore, KnowsWhichShardsAreThere) {
  const TemporaryFolder folder;
  write_small_store(folder.path());
  const TraceStoreWriter writer(folder.path(), small_header());
  EXPECT_TRUE(writer.has_shard("aa"));
  EXPECT_FALSE(writer.has_shard("cc"));
  TraceStoreHeader other = small_header();
  other.fingerprint = "beef";
  EXPECT_FALSE(TraceStoreWriter(folder.path(), other).has_shard("aa"));
  const std::string bytes = read_text_file(folder.path("shard-aa.safetensors"));
  write_file_atomically(folder.path("shard-aa.safetensors"), bytes.substr(0, bytes.size() - 1));
  EXPECT_FALSE(writer.has_shard("aa"));
}

TEST(TraceStore, OneFlippedBitIsNoticed) {
  const TemporaryFolder folder;
  write_small_store(folder.path());
  const TraceStoreWriter writer(folder.path(), small_header());
  const std::string path = folder.path("shard-aa.safetensors");
  std::string bytes = read_text_file(path);
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  write_file_atomically(path, bytes);
  EXPECT_FALSE(writer.has_shard("aa"));
  expect_error(ErrorKind::kBadInput, "checksum", [&] { (void)read_traces(folder.path()); });
}

TEST(TraceStore, RefusesTracesThatDoNotFit) {
  const TemporaryFolder folder;
  TraceStoreWriter writer(folder.path(), small_header());
  StoredTrace bad = small_trace("one", 2);
  bad.logits.pop_back();
  expect_error(ErrorKind::kUsage, "\"one\"", [&] { writer.add_shard("aa", {bad}); });
  expect_error(
      ErrorKind::kUsage, "at least one", [&] { writer.add_shard("aa", {small_trace("one", 0)}); });
  expect_error(ErrorKind::kUsage, "twice", [&] {
    writer.add_shard("aa", {small_trace("one", 1), small_trace("one", 1)});
  });
  expect_error(ErrorKind::kUsage, "letters and digits", [&] { writer.add_shard("../a", {}); });
  expect_error(ErrorKind::kBadInput, "missing", [&] { writer.finish({"aa"}); });
  EXPECT_EQ(folder.n_entry(), 0);
  TraceStoreHeader odd = small_header();
  odd.blocks.pop_back();
  expect_error(ErrorKind::kUsage, "inconsistent", [&] { TraceStoreWriter w(folder.path(), odd); });
}

TEST(TraceStore, NamesAMissingManifestOrShard) {
  const TemporaryFolder folder;
  expect_error(ErrorKind::kBadInput, "mascing trace", [&] { (void)read_traces(folder.path()); });
  write_small_store(folder.path());
  std::filesystem::remove(folder.path("shard-bb.safetensors"));
  expect_error(
      ErrorKind::kBadInput, "this shard is missing", [&] { (void)read_traces(folder.path()); });
}

TEST(TraceStore, RefusesShardsOfDifferentModels) {
  const TemporaryFolder folder;
  write_small_store(folder.path());
  TraceStoreHeader other = small_header();
  other.fingerprint = "beef";
  other.model_name = "big";
  TraceStoreWriter writer(folder.path(), other);
  writer.add_shard("bb", {small_trace("three", 3)});
  expect_error(ErrorKind::kMismatch, "\"big\"", [&] { (void)read_traces(folder.path()); });
  expect_error(ErrorKind::kMismatch, "\"tiny\"", [&] { writer.finish({"aa"}); });
}

TEST(TraceStore, RefusesABrokenManifest) {
  const TemporaryFolder folder;
  write_small_store(folder.path());
  const std::string good = read_text_file(folder.path("manifest.json"));
  const auto refuse =
      [&](const std::string& words, const std::string& from, const std::string& to) {
        std::string bad = good;
        ASSERT_NE(bad.find(from), std::string::npos) << from;
        bad.replace(bad.find(from), from.size(), to);
        write_file_atomically(folder.path("manifest.json"), bad);
        expect_error(ErrorKind::kBadInput, words, [&] { (void)read_traces(folder.path()); });
      };
  refuse("not a manifest", "mascing.traces", "other");
  refuse("format version", "\"format_version\": 1", "\"format_version\": 2");
  refuse("incomplete", "\"n_layer\"", "\"layers\"");
  refuse("incomplete", "\"n_layer\": 2", "\"n_layer\": 2.0");  // written as no whole number
  refuse("incomplete", "\"n_layer\": 2", "\"n_layer\": 1e91");
  refuse("incomplete", "\"n_trace\": 2", "\"n_trace\": 9223372036854775808");
  refuse("inconsistent", "\"n_layer\": 2", "\"n_layer\": 3");
  refuse("not the hash", "\"aa\"", "\"../aa\"");
  refuse("the manifest lists 5", "\"n_trace\": 2", "\"n_trace\": 5");
  refuse("invalid JSON", "{", "");
}

TEST(TraceStore, ShardsSurviveEveryTruncationAndChangedByte) {
  const TemporaryFolder folder;
  write_small_store(folder.path());
  write_file_atomically(folder.path("good"), read_text_file(folder.path("shard-aa.safetensors")));
  survive_mutations(folder.path("good"),
                    folder.path("shard-aa.safetensors"),
                    [&](const std::string&) { (void)hash_traces(read_traces(folder.path())); });
}

TEST(TraceStore, ManifestsSurviveEveryTruncationAndChangedByte) {
  const TemporaryFolder folder;
  write_small_store(folder.path());
  std::string text = read_text_file(folder.path("manifest.json"));
  text.pop_back();  // a lost line break at the end is no loss
  write_file_atomically(folder.path("good"), text);
  survive_mutations(folder.path("good"), folder.path("manifest.json"), [&](const std::string&) {
    (void)read_traces(folder.path());
  });
}

}  // namespace
}  // namespace mascing
