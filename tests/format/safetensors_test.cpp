#include "format/safetensors.h"

#include <cstring>

#include <gtest/gtest.h>

#include "base/expect_error.h"
#include "base/files.h"
#include "base/temporary_folder.h"
#include "format/mutate.h"

namespace mascing {
namespace {

const float kFloats[] = {1, 2, 3, 4, 5, 6};
const uint16_t kHalves[] = {7, 8, 9};

std::vector<SafetensorsEntry> small_entries() {
  return {{.name = "b", .dtype = "F16", .shape = {3}, .data = kHalves, .size_bytes = 6},
          {.name = "c", .dtype = "F32", .shape = {2, 3}, .data = kFloats, .size_bytes = 24},
          {.name = "a", .dtype = "F32", .shape = {}, .data = kFloats, .size_bytes = 4},
          {.name = "none", .dtype = "F32", .shape = {0, 4}, .data = kFloats, .size_bytes = 0}};
}

void expect_refusal(const std::string& words, const std::string& header, const std::string& data) {
  const TemporaryFolder folder;
  const uint64_t n = header.size();
  std::string bytes(reinterpret_cast<const char*>(&n), sizeof(n));
  write_file_atomically(folder.path("a"), bytes + header + data);
  expect_error(ErrorKind::kBadInput, words, [&] { (void)SafetensorsFile::open(folder.path("a")); });
}

std::string entry(const std::string& dtype, const std::string& shape, const std::string& offsets) {
  return R"({"dtype": ")" + dtype + R"(", "shape": )" + shape + R"(, "data_offsets": )" + offsets +
         "}";
}

TEST(Safetensors, WhatIsWrittenIsReadBack) {
  const TemporaryFolder folder;
  write_safetensors(folder.path("a"), small_entries(), {{"key", "value \"quoted\""}});
  const SafetensorsFile file = SafetensorsFile::open(folder.path("a"));
  EXPECT_EQ(file.metadata().at("key"), "value \"quoted\"");
  ASSERT_EQ(file.tensors().size(), 4U);
  EXPECT_EQ(file.tensors()[0].name, "a");
  const SafetensorsTensor* c = file.find("c");
  ASSERT_NE(c, nullptr);
  EXPECT_EQ(c->shape, (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(c->dtype, "F32");
  EXPECT_EQ(std::memcmp(c->data, kFloats, sizeof(kFloats)), 0);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(c->data) % 4, 0U);
  EXPECT_EQ(std::memcmp(file.find("b")->data, kHalves, sizeof(kHalves)), 0);
  EXPECT_EQ(file.find("none")->size_bytes, 0U);
  EXPECT_EQ(file.find("d"), nullptr);
}

TEST(Safetensors, EqualContentInAnyOrderGivesEqualBytes) {
  const TemporaryFolder folder;
  std::vector<SafetensorsEntry> entries = small_entries();
  write_safetensors(folder.path("a"), entries, {});
  std::swap(entries[0], entries[2]);
  write_safetensors(folder.path("b"), entries, {});
  EXPECT_EQ(read_text_file(folder.path("a")), read_text_file(folder.path("b")));
}

TEST(Safetensors, WriterRefusesEntriesThatDoNotFit) {
  const TemporaryFolder folder;
  std::vector<SafetensorsEntry> entries = small_entries();
  entries[0].size_bytes = 5;
  expect_error(
      ErrorKind::kUsage, "\"b\"", [&] { write_safetensors(folder.path("a"), entries, {}); });
  entries = small_entries();
  entries[0].name = "c";
  expect_error(
      ErrorKind::kUsage, "twice", [&] { write_safetensors(folder.path("a"), entries, {}); });
  EXPECT_EQ(folder.n_entry(), 0);
}

TEST(Safetensors, RefusesHostileHeaders) {
  const std::string four(4, '\0');
  expect_refusal("invalid JSON", "{", "");
  expect_refusal("not a JSON object", "[]", "");
  expect_refusal("nested too deeply", std::string(100000, '['), "");
  expect_refusal("expected dtype", R"({"a": {}})", "");
  expect_refusal("expected dtype", R"({"a": 3})", "");
  expect_refusal("unknown dtype", R"({"a": )" + entry("F5", "[1]", "[0, 4]") + "}", four);
  expect_refusal(
      "too large", R"({"a": )" + entry("F32", "[4611686018427387904, 4]", "[0, 4]") + "}", four);
  expect_refusal("non-negative", R"({"a": )" + entry("F32", "[-1]", "[0, 4]") + "}", four);
  expect_refusal("non-negative", R"({"a": )" + entry("F32", "[1.5]", "[0, 4]") + "}", four);
  expect_refusal("expected 8", R"({"a": )" + entry("F32", "[2]", "[0, 4]") + "}", four);
  expect_refusal("data_offsets", R"({"a": )" + entry("F32", "[1]", "[4, 0]") + "}", four);
  expect_refusal("4 bytes missing", R"({"a": )" + entry("F32", "[1]", "[4, 8]") + "}", four);
  expect_refusal("gap", R"({"a": )" + entry("F32", "[1]", "[4, 8]") + "}", four + four);
  expect_refusal("overlap",
                 R"({"a": )" + entry("F32", "[1]", "[0, 4]") + R"(, "b": )" +
                     entry("F32", "[1]", "[0, 4]") + "}",
                 four);
  expect_refusal("after the last", "{}", four);
  expect_refusal("__metadata__", R"({"__metadata__": {"a": 1}})", "");
  expect_refusal("__metadata__", R"({"__metadata__": []})", "");
}

TEST(Safetensors, RefusesALengthBeyondTheFile) {
  const TemporaryFolder folder;
  for (const uint64_t n : {uint64_t{9}, uint64_t{1} << 40U, UINT64_MAX}) {
    write_file_atomically(folder.path("a"),
                          std::string(reinterpret_cast<const char*>(&n), sizeof(n)) + "{}");
    EXPECT_THROW((void)SafetensorsFile::open(folder.path("a")), Error);
  }
}

TEST(Safetensors, SurvivesEveryTruncationAndChangedByte) {
  const TemporaryFolder folder;
  write_safetensors(folder.path("good"), small_entries(), {{"key", "value"}});
  survive_mutations(folder.path("good"), folder.path("trial"), [](const std::string& path) {
    const SafetensorsFile file = SafetensorsFile::open(path);
    unsigned sum = 0;
    for (const SafetensorsTensor& tensor : file.tensors()) {
      for (size_t i = 0; i < tensor.size_bytes; ++i) {
        sum += static_cast<unsigned>(tensor.data[i]);
      }
    }
    volatile unsigned sink = sum;
    (void)sink;
  });
}

}  // namespace
}  // namespace mascing
