#include "mascing/mask_file.h"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "base/expect_error.h"
#include "base/files.h"
#include "base/sha256.h"
#include "base/temporary_folder.h"
#include "format/gguf.h"
#include "format/mutate.h"
#include "mascing/error.h"

namespace mascing {
namespace {

Mask small_mask() {
  Mask mask;
  mask.n_layer = 2;
  mask.n_expert = 4;
  mask.steer = {0, 1.5F, -2, 0, 0.25F, 0, 0, -0.125F};
  mask.sigma = {0.5F, 2};
  mask.blocks = {1, 3};
  mask.sigma_rule = SigmaRule::kCalibrated;
  mask.alpha = 0.75F;
  mask.lambda = 1e-3F;
  mask.threshold = 0.1F;
  mask.n_expert_used = 2;
  mask.architecture = "qwen3moe";
  mask.fingerprint = std::string(64, 'f');
  mask.model_name = "tiny";
  mask.scenario = "demo";
  mask.direction = "defend";
  mask.method = "surrogate";
  mask.seed = UINT64_MAX;
  mask.data_hash = "abc";
  mask.tool_version = "0.1.0";
  mask.metrics = {{"selection.dsr.rate", 0.987654321}, {"selection.dsr.low", 1.0 / 3}};
  mask.conversations = {"0123456789abcdef", "fedcba9876543210"};
  return mask;
}

void expect_equal(const Mask& a, const Mask& b) {
  EXPECT_EQ(a.n_layer, b.n_layer);
  EXPECT_EQ(a.n_expert, b.n_expert);
  EXPECT_EQ(a.steer, b.steer);
  EXPECT_EQ(a.sigma, b.sigma);
  EXPECT_EQ(a.blocks, b.blocks);
  EXPECT_EQ(a.sigma_rule, b.sigma_rule);
  EXPECT_EQ(a.alpha, b.alpha);
  EXPECT_EQ(a.lambda, b.lambda);
  EXPECT_EQ(a.threshold, b.threshold);
  EXPECT_EQ(a.n_expert_used, b.n_expert_used);
  EXPECT_EQ(a.architecture, b.architecture);
  EXPECT_EQ(a.fingerprint, b.fingerprint);
  EXPECT_EQ(a.model_name, b.model_name);
  EXPECT_EQ(a.scenario, b.scenario);
  EXPECT_EQ(a.direction, b.direction);
  EXPECT_EQ(a.method, b.method);
  EXPECT_EQ(a.seed, b.seed);
  EXPECT_EQ(a.data_hash, b.data_hash);
  EXPECT_EQ(a.tool_version, b.tool_version);
  EXPECT_EQ(a.metrics, b.metrics);
  EXPECT_EQ(a.conversations, b.conversations);
}

TEST(MaskFile, WrittenThenReadIsEqual) {
  const TemporaryFolder folder;
  write_mask(folder.path("a.gguf"), small_mask());
  expect_equal(read_mask(folder.path("a.gguf")), small_mask());
  Mask plain = small_mask();
  plain.metrics.clear();
  plain.scenario.clear();
  plain.conversations.clear();
  write_mask(folder.path("b.gguf"), plain);
  expect_equal(read_mask(folder.path("b.gguf")), plain);
}

// Flips the bits of the values one after the other; only the checksum can notice.
TEST(MaskFile, OneFlippedBitIsNoticed) {
  const TemporaryFolder folder;
  write_mask(folder.path("good"), small_mask());
  const std::string good = read_text_file(folder.path("good"));
  size_t n_changed = 0;
  for (size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 4);
    write_file_atomically(folder.path("bad"), bad);
    try {
      expect_equal(read_mask(folder.path("bad")), small_mask());  // padding, names of no meaning
      ++n_changed;
    } catch (const Error&) {
    }
  }
  EXPECT_LT(n_changed, good.size() / 4);
}

TEST(MaskFile, AMaskOfAnEarlierVersionHasNoChecksumAndIsRead) {
  const TemporaryFolder folder;
  write_mask(folder.path("new"), small_mask());
  std::string old = read_text_file(folder.path("new"));
  const size_t key = old.find("mascing.checksum");
  ASSERT_NE(key, std::string::npos);
  old.replace(key, 16, "mascing.whatever");
  write_file_atomically(folder.path("old"), old);
  expect_equal(read_mask(folder.path("old")), small_mask());
}

TEST(MaskFile, ADamagedListOfConversationsIsSaid) {
  const TemporaryFolder folder;
  write_mask(folder.path("good"), small_mask());
  std::string bad = read_text_file(folder.path("good"));
  const size_t place = bad.find("fedcba98");
  ASSERT_NE(place, std::string::npos);
  bad[place] = '0';
  write_file_atomically(folder.path("bad"), bad);
  expect_error(ErrorKind::kBadInput, "the list of its conversations is damaged", [&] {
    (void)read_mask(folder.path("bad"));
  });
}

TEST(MaskFile, TheSameMaskGivesTheSameBytes) {
  const TemporaryFolder folder;
  write_mask(folder.path("a"), small_mask());
  write_mask(folder.path("b"), read_mask(folder.path("a")));
  EXPECT_EQ(read_text_file(folder.path("a")), read_text_file(folder.path("b")));
}

TEST(MaskFile, SaysThatAModelIsNoMask) {
  expect_error(ErrorKind::kBadInput, "is a model, expected a mask", [] {
    (void)read_mask(std::string(MASCING_DEMO) + "/kingdom-planted-f16.gguf");
  });
  const TemporaryFolder folder;
  GgufWriter adapter;
  adapter.set_string("general.type", "adapter");
  adapter.write(folder.path("a"));
  expect_error(ErrorKind::kBadInput, "an adapter", [&] { (void)read_mask(folder.path("a")); });
}

TEST(MaskFile, RefusesALaterFormatVersion) {
  const TemporaryFolder folder;
  GgufWriter writer;
  writer.set_string("general.type", "mascing.mask");
  writer.set_uint32("mascing.format_version", 4);
  writer.write(folder.path("a"));
  expect_error(ErrorKind::kBadInput, "version 4, expected 1 to 3", [&] {
    (void)read_mask(folder.path("a"));
  });
  expect_error(ErrorKind::kBadInput, "newer mascing", [&] { (void)read_mask(folder.path("a")); });
}

Mask mask_of_parts() {
  Mask mask = small_mask();
  mask.parts = {{SigmaRule::kToken, {1, 0, 0, 0, 0, 0, 0, -3}}};
  return mask;
}

// Readers of version 1 know nothing of parts and refuse the file by its version.
TEST(MaskFile, AMaskOfPartsIsOfVersion2AndAllOthersOfVersion1) {
  const TemporaryFolder folder;
  write_mask(folder.path("one"), small_mask());
  write_mask(folder.path("parts"), mask_of_parts());
  EXPECT_EQ(GgufFile::open(folder.path("one")).get_int("mascing.format_version"), 1);
  EXPECT_EQ(GgufFile::open(folder.path("parts")).get_int("mascing.format_version"), 2);
  const Mask read = read_mask(folder.path("parts"));
  expect_equal(read, mask_of_parts());
  ASSERT_EQ(read.parts.size(), 1U);
  EXPECT_EQ(read.parts[0].sigma_rule, SigmaRule::kToken);
  EXPECT_EQ(read.parts[0].steer, mask_of_parts().parts[0].steer);
  EXPECT_EQ(read.total()[7], -3.125F);
}

// Each part is a copy of a tensor: a small file could ask for more memory than there is.
TEST(MaskFile, HasNoMorePartsThanThereAreRules) {
  const TemporaryFolder folder;
  write_mask(folder.path("good"), mask_of_parts());
  std::string bytes = read_text_file(folder.path("good"));
  const std::string key = "mascing.part_rules";
  const std::string rule("\x05\0\0\0\0\0\0\0token", 13);
  const size_t count = bytes.find(key) + key.size() + 8;  // behind the types of array and elements
  ASSERT_EQ(bytes.substr(count + 8, rule.size()), rule);
  constexpr char kMore = 32;  // fills whole units of the alignment, so that tensors stay in place
  bytes[count] = static_cast<char>(kMore + 1);
  for (char i = 0; i < kMore; ++i) {
    bytes.insert(count + 8, rule);
  }
  write_file_atomically(folder.path("bad"), bytes);
  expect_error(ErrorKind::kBadInput, "33 parts, expected at most 2", [&] {
    (void)read_mask(folder.path("bad"));
  });
}

Mask mask_with_adapter() {
  Mask mask = small_mask();
  mask.steer.assign(8, 0.0F);
  mask.adapter.rank = 2;
  mask.adapter.n_embd = 3;
  mask.adapter.down = std::make_shared<const AdapterDown>(
      std::vector<float>{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12});
  mask.adapter.up = {0, 3, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, -1};
  return mask;
}

TEST(MaskFile, AMaskWithAnAdapterIsOfVersion3) {
  const TemporaryFolder folder;
  write_mask(folder.path("mask"), mask_with_adapter());
  EXPECT_EQ(GgufFile::open(folder.path("mask")).get_int("mascing.format_version"), 3);
  const Mask read = read_mask(folder.path("mask"));
  expect_equal(read, mask_with_adapter());
  EXPECT_EQ(read.adapter.rank, 2);
  EXPECT_EQ(read.adapter.n_embd, 3);
  EXPECT_EQ(read.adapter.down->values(), mask_with_adapter().adapter.down->values());
  EXPECT_EQ(read.adapter.up, mask_with_adapter().adapter.up);
  EXPECT_EQ(read.n_active(), 2);
  EXPECT_EQ(read.total(), (std::vector<float>{0, 5, 0, 0, 0, 0, 0, 1}));
}

/// What the hash is of: results in caches of earlier versions go by it.
std::string hash_by_hand(const RouterAdapter& adapter, const std::vector<float>& down) {
  std::string bytes = "adapter " + std::to_string(adapter.rank) + "\n";
  for (const std::vector<float>* values : {&down, &adapter.up}) {
    bytes.append(reinterpret_cast<const char*>(values->data()), values->size() * sizeof(float));
  }
  return sha256_hex(bytes);
}

TEST(RouterAdapter, ItsHashIsOfRankDownAndUp) {
  RouterAdapter adapter = mask_with_adapter().adapter;
  const std::vector<float> down = adapter.down->values();
  EXPECT_EQ(adapter.hash(), hash_by_hand(adapter, down));
  RouterAdapter other = adapter;
  other.up[0] = 1.0F;
  EXPECT_EQ(other.hash(), hash_by_hand(other, down));
  other.rank = 1;  // by no search, but the shared object allows it
  EXPECT_EQ(other.hash(), hash_by_hand(other, down));
  EXPECT_EQ(adapter.hash(), hash_by_hand(adapter, down));
}

TEST(RouterAdapter, WhatIsSharedIsHashedOnce) {
  RouterAdapter adapter = mask_with_adapter().adapter;
  const std::vector<float> down = adapter.down->values();
  (void)adapter.hash();
  const_cast<float*>(adapter.down->data())[0] += 1.0F;  // only to see whether it is read again
  adapter.up[0] = 1.0F;
  EXPECT_EQ(adapter.hash(), hash_by_hand(adapter, down));
}

// A file that says it has an adapter does not pass for a mask without one.
TEST(MaskFile, AMaskOfVersion3NeedsItsTensors) {
  const TemporaryFolder folder;
  write_mask(folder.path("mask"), mask_with_adapter());
  std::string bytes = read_text_file(folder.path("mask"));
  const size_t at = bytes.find("adapter.up");
  ASSERT_NE(at, std::string::npos);
  bytes.replace(at, 10, "adapter.ux");
  write_file_atomically(folder.path("bad"), bytes);
  expect_error(ErrorKind::kBadInput, "adapter.up", [&] { (void)read_mask(folder.path("bad")); });
}

TEST(MaskFile, AFlippedBitOfAnAdapterIsNoticed) {
  const TemporaryFolder folder;
  write_mask(folder.path("good"), mask_with_adapter());
  std::string bytes = read_text_file(folder.path("good"));
  const float value = 12.0F;
  const size_t at = bytes.rfind(std::string(reinterpret_cast<const char*>(&value), sizeof value));
  ASSERT_NE(at, std::string::npos);
  bytes[at] = static_cast<char>(bytes[at] ^ 1);
  write_file_atomically(folder.path("bad"), bytes);
  expect_error(ErrorKind::kBadInput, "checksum", [&] { (void)read_mask(folder.path("bad")); });
}

TEST(Mask, ValidateRefusesAnAdapterThatDoesNotFit) {
  Mask mask = mask_with_adapter();
  mask.adapter.up.pop_back();
  expect_error(ErrorKind::kBadInput, "the adapter's up has 15", [&] { mask.validate(); });
  mask = mask_with_adapter();
  mask.adapter.n_embd = 4;
  expect_error(ErrorKind::kBadInput, "the adapter's down has 12", [&] { mask.validate(); });
  mask = mask_with_adapter();
  mask.adapter.up[3] = NAN;
  expect_error(ErrorKind::kBadInput, "the adapter's up has an entry", [&] { mask.validate(); });
}

TEST(MaskFile, AFlippedBitOfAPartIsNoticed) {
  const TemporaryFolder folder;
  write_mask(folder.path("good"), mask_of_parts());
  std::string bytes = read_text_file(folder.path("good"));
  const float value = -3.0F;
  const size_t at = bytes.rfind(std::string(reinterpret_cast<const char*>(&value), sizeof value));
  ASSERT_NE(at, std::string::npos);
  bytes[at] = static_cast<char>(bytes[at] ^ 1);
  write_file_atomically(folder.path("bad"), bytes);
  expect_error(ErrorKind::kBadInput, "checksum", [&] { (void)read_mask(folder.path("bad")); });
}

TEST(MaskFile, KeepsTheSketchOfTheRoutersAndNoticesDamageToIt) {
  const TemporaryFolder folder;
  Mask mask = small_mask();
  const std::vector<float> router = {0.1F, -1.0F / 3.0F, 2.5e-8F, 4.0F};
  mask.routers.add(8, router.data(), 4);
  write_mask(folder.path("good"), mask);
  EXPECT_EQ(read_mask(folder.path("good")).routers, mask.routers);
  std::string bytes = read_text_file(folder.path("good"));
  const size_t at = bytes.find("8 0 0");
  ASSERT_NE(at, std::string::npos);
  bytes[at + 2] = '7';
  write_file_atomically(folder.path("bad"), bytes);
  expect_error(ErrorKind::kBadInput, "sketch", [&] { (void)read_mask(folder.path("bad")); });
}

TEST(MaskFile, NamesAMissingKey) {
  const TemporaryFolder folder;
  GgufWriter writer;
  writer.set_string("general.type", "mascing.mask");
  writer.set_uint32("mascing.format_version", 1);
  writer.write(folder.path("a"));
  expect_error(ErrorKind::kBadInput, "\"mascing.architecture\" is missing", [&] {
    (void)read_mask(folder.path("a"));
  });
}

TEST(MaskFile, SurvivesEveryTruncationAndChangedByte) {
  const TemporaryFolder folder;
  Mask mask = small_mask();
  mask.n_layer = 8;  // sigma fills its 32 bytes: no padding at the end to lose
  mask.blocks = {0, 1, 2, 3, 4, 5, 6, 7};
  mask.sigma.assign(8, 1.0F);
  mask.steer.assign(32, 0.5F);
  write_mask(folder.path("good"), mask);
  survive_mutations(folder.path("good"), folder.path("trial"), [](const std::string& path) {
    (void)read_mask(path);
  });
}

TEST(Mask, ValidateRefusesWhatDoesNotFit) {
  const auto refuse = [](const std::string& words, auto change) {
    Mask mask = small_mask();
    change(mask);
    expect_error(ErrorKind::kBadInput, words, [&] { mask.validate(); });
  };
  small_mask().validate();
  refuse("0 layers", [](Mask& m) { m.n_layer = 0; });
  refuse("experts", [](Mask& m) { m.n_expert = INT64_MAX; });
  refuse("steer has 7 entries, expected 8", [](Mask& m) { m.steer.pop_back(); });
  refuse("sigma has 1", [](Mask& m) { m.sigma.pop_back(); });
  refuse("blocks has 1", [](Mask& m) { m.blocks.pop_back(); });
  refuse("steering matrix", [](Mask& m) { m.steer[3] = std::nanf(""); });
  refuse("sigma is not a positive", [](Mask& m) { m.sigma[0] = 0; });
  refuse("alpha", [](Mask& m) { m.alpha = std::numeric_limits<float>::infinity(); });
  refuse("part's steer has 3", [](Mask& m) { m.parts = {{SigmaRule::kToken, {1, 2, 3}}}; });
  refuse("two parts take sigma by the rule calibrated", [](Mask& m) {
    m.parts = {{SigmaRule::kCalibrated, std::vector<float>(8, 1.0F)}};
  });
  refuse("are not in ascending order", [](Mask& m) { m.blocks = {3, 3}; });
}

TEST(Mask, CountsActiveEntriesAndKnowsRows) {
  const Mask mask = small_mask();
  EXPECT_EQ(mask.n_active(), 4);
  EXPECT_EQ(mask.row(1)[0], 0.25F);
}

TEST(SigmaRule, HasANameForEachRule) {
  for (const SigmaRule rule : {SigmaRule::kToken, SigmaRule::kCalibrated, SigmaRule::kBatch}) {
    EXPECT_EQ(parse_sigma_rule(to_string(rule)), rule);
  }
  expect_error(
      ErrorKind::kUsage, "token, calibrated or batch", [] { (void)parse_sigma_rule("layer"); });
}

}  // namespace
}  // namespace mascing
