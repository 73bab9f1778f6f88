#include "format/gguf.h"

#include <cstring>

#include <gtest/gtest.h>

#include "base/expect_error.h"
#include "base/files.h"
#include "base/temporary_folder.h"
#include "format/mutate.h"

namespace mascing {
namespace {

GgufWriter small_writer() {
  GgufWriter writer;
  writer.set_string("general.architecture", "llama");
  writer.set_int("count", -5);
  writer.set_uint32("small", 7);
  writer.set_uint64("large", UINT64_MAX);
  writer.set_float("alpha", 0.25F);
  writer.set_int_array("blocks", {1, 2, 3});
  writer.set_float_array("rates", {0.5, 1e-300});
  writer.set_string_array("names", {"a", "", "c"});
  const float data[] = {1, 2, 3, 4, 5, 6};
  writer.add_tensor_f32("first", {3, 2}, data);
  writer.add_tensor_f32("second", {1}, data + 5);
  return writer;
}

// Bytes of a file put together by hand.
class Bytes {
 public:
  template <typename T>
  Bytes& number(T value) {
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof(value));
    return *this;
  }
  Bytes& text(const std::string& text) {
    number<uint64_t>(text.size());
    bytes_ += text;
    return *this;
  }
  Bytes& head(uint32_t version, uint64_t n_tensor, uint64_t n_key) {
    bytes_ += "GGUF";
    return number(version).number(n_tensor).number(n_key);
  }
  Bytes& tensor(const std::string& name,
                const std::vector<int64_t>& dims,
                int32_t type,
                uint64_t offset) {
    text(name).number(static_cast<uint32_t>(dims.size()));
    for (const int64_t n : dims) {
      number(n);
    }
    return number(type).number(offset);
  }
  Bytes& data(size_t n) {
    bytes_.append((32 - bytes_.size() % 32) % 32, '\0');
    bytes_.append(n, '\1');
    return *this;
  }
  [[nodiscard]] const std::string& get() const { return bytes_; }

 private:
  std::string bytes_;
};

void expect_refusal(const std::string& words, const Bytes& bytes) {
  const TemporaryFolder folder;
  write_file_atomically(folder.path("a.gguf"), bytes.get());
  expect_error(ErrorKind::kBadInput, words, [&] { (void)GgufFile::open(folder.path("a.gguf")); });
}

TEST(GgufWriter, WhatItWritesIsReadBack) {
  const TemporaryFolder folder;
  small_writer().write(folder.path("a.gguf"));
  const GgufFile file = GgufFile::open(folder.path("a.gguf"));
  EXPECT_EQ(file.get_string("general.architecture"), "llama");
  EXPECT_EQ(file.get_int("count"), -5);
  EXPECT_EQ(file.get_int("small"), 7);
  EXPECT_EQ(file.get_uint("large"), UINT64_MAX);
  EXPECT_EQ(file.get_uint("small"), 7U);
  EXPECT_EQ(file.get_float("alpha"), 0.25);
  EXPECT_EQ(file.get_int_array("blocks"), (std::vector<int64_t>{1, 2, 3}));
  EXPECT_EQ(file.get_float_array("rates"), (std::vector<double>{0.5, 1e-300}));
  EXPECT_EQ(file.get_string_array("names"), (std::vector<std::string>{"a", "", "c"}));
  EXPECT_EQ(file.get_array_size("names"), 3);
  EXPECT_EQ(file.keys().size(), 8U);
  ASSERT_EQ(file.tensors().size(), 2U);
  const GgufTensor* first = file.find_tensor("first");
  ASSERT_NE(first, nullptr);
  EXPECT_EQ(first->dims, (std::vector<int64_t>{3, 2}));
  const float expected[] = {1, 2, 3, 4, 5, 6};
  ASSERT_EQ(first->size_bytes, sizeof(expected));
  EXPECT_EQ(std::memcmp(first->data, expected, sizeof(expected)), 0);
  EXPECT_EQ(file.find_tensor("third"), nullptr);
  EXPECT_EQ(file.header_bytes().substr(0, 4), "GGUF");
}

TEST(GgufWriter, AFilledTensorOfAnyTypeIsReadBack) {
  constexpr int32_t kQ8 = 8;
  const TemporaryFolder folder;
  std::vector<std::byte> blocks(2 * 3 * 34);
  for (size_t i = 0; i < blocks.size(); ++i) {
    blocks[i] = static_cast<std::byte>(i);
  }
  GgufWriter writer;
  writer.add_tensor("filled", kQ8, {64, 3}, [&](const GgufSink& sink) {
    sink(blocks.data(), 5);
    sink(blocks.data() + 5, blocks.size() - 5);
  });
  const float one = 1.0F;
  writer.add_tensor_f32("behind", {1}, &one);
  writer.write(folder.path("filled.gguf"));
  const GgufFile file = GgufFile::open(folder.path("filled.gguf"));
  const GgufTensor* tensor = file.find_tensor("filled");
  ASSERT_NE(tensor, nullptr);
  EXPECT_EQ(tensor->type, kQ8);
  ASSERT_EQ(tensor->size_bytes, blocks.size());
  EXPECT_EQ(std::memcmp(tensor->data, blocks.data(), blocks.size()), 0);
  EXPECT_EQ(std::memcmp(file.find_tensor("behind")->data, &one, sizeof(one)), 0);
}

TEST(GgufWriter, RefusesFillsAndRowsOfTheWrongSize) {
  const TemporaryFolder folder;
  GgufWriter writer;
  expect_error(ErrorKind::kUsage, "rows of 33 numbers", [&] {
    writer.add_tensor("odd", 8, {33}, [](const GgufSink&) {});
  });
  writer.add_tensor("short", kGgufF32, {4}, [](const GgufSink& sink) { sink("abc", 3); });
  expect_error(ErrorKind::kUsage, "was given 3 bytes, expected 16", [&] {
    writer.write(folder.path("short.gguf"));
  });
}

TEST(GgufWriter, EqualContentGivesEqualBytes) {
  const TemporaryFolder folder;
  small_writer().write(folder.path("a"));
  small_writer().write(folder.path("b"));
  EXPECT_EQ(read_text_file(folder.path("a")), read_text_file(folder.path("b")));
}

TEST(GgufWriter, RefusesNamesAndDimsThatLlamaCppWould) {
  GgufWriter writer;
  const float data[] = {1};
  writer.add_tensor_f32("a", {1}, data);
  expect_error(ErrorKind::kUsage, "twice", [&] { writer.add_tensor_f32("a", {1}, data); });
  expect_error(ErrorKind::kUsage, "63 bytes", [&] {
    writer.add_tensor_f32(std::string(64, 'x'), {1}, data);
  });
  for (const std::vector<int64_t>& dims :
       {std::vector<int64_t>{}, {0}, {-1}, {1, 1, 1, 1, 1}, {INT64_MAX, INT64_MAX}}) {
    expect_error(ErrorKind::kUsage, "dimensions", [&] { writer.add_tensor_f32("b", dims, data); });
  }
}

TEST(GgufReader, ReadsAFileWithoutKeysAndTensors) {
  const TemporaryFolder folder;
  write_file_atomically(folder.path("a"), Bytes().head(2, 0, 0).get());
  const GgufFile file = GgufFile::open(folder.path("a"));
  EXPECT_TRUE(file.tensors().empty());
  EXPECT_FALSE(file.has("any"));
  EXPECT_EQ(file.get_int("any"), std::nullopt);
}

TEST(GgufReader, NamesAKeyOfAnotherKind) {
  const TemporaryFolder folder;
  small_writer().write(folder.path("a"));
  const GgufFile file = GgufFile::open(folder.path("a"));
  const auto expect = [](const std::string& words, const auto& work) {
    expect_error(ErrorKind::kBadInput, words, work);
  };
  expect("\"names\" is of type array of text", [&] { (void)file.get_int("names"); });
  expect("\"alpha\" is of type float, expected integer", [&] { (void)file.get_int("alpha"); });
  expect("\"count\"", [&] { (void)file.get_uint("count"); });
  expect("\"large\"", [&] { (void)file.get_int("large"); });
  expect("\"count\"", [&] { (void)file.get_float("count"); });
  expect("\"count\"", [&] { (void)file.get_string("count"); });
  expect("\"names\"", [&] { (void)file.get_int_array("names"); });
  expect("\"blocks\"", [&] { (void)file.get_float_array("blocks"); });
  expect("\"blocks\"", [&] { (void)file.get_string_array("blocks"); });
  expect("\"alpha\"", [&] { (void)file.get_array_size("alpha"); });
}

TEST(GgufReader, RefusesATruncatedFile) {
  const TemporaryFolder folder;
  small_writer().write(folder.path("a"));
  const std::string good = read_text_file(folder.path("a"));
  write_file_atomically(folder.path("b"), good.substr(0, good.size() - 32));
  expect_error(
      ErrorKind::kBadInput, "4 bytes missing", [&] { (void)GgufFile::open(folder.path("b")); });
  expect_error(ErrorKind::kBadInput, "download or copy it again", [&] {
    (void)GgufFile::open(folder.path("b"));
  });
}

TEST(GgufReader, RefusesWhatIsNoGguf) {
  expect_refusal("empty", Bytes());
  expect_refusal("magic", Bytes().number<uint64_t>(42));
  expect_refusal("version 1", Bytes().head(1, 0, 0));
  expect_refusal("update mascing", Bytes().head(4, 0, 0));
  expect_refusal("big-endian", Bytes().head(0x03000000, 0, 0));
  expect_refusal("truncated", Bytes().head(3, UINT64_MAX, UINT64_MAX));
}

TEST(GgufReader, SaysWhatElseAFileIs) {
  const auto expect = [](const std::string& words, const std::string& bytes) {
    const TemporaryFolder folder;
    write_file_atomically(folder.path("a.gguf"), bytes);
    expect_error(ErrorKind::kBadInput, words, [&] { (void)GgufFile::open(folder.path("a.gguf")); });
  };
  expect("a.gguf: is a PDF file, expected a GGUF file", "%PDF-1.4\n");
  expect("is a Git LFS pointer", "version https://git-lfs.github.com/spec/v1\n");
  expect("git lfs pull", "version https://git-lfs.github.com/spec/v1\n");
  expect("is an HTML page", "<!DOCTYPE html><html></html>");
  expect("is a ZIP archive or a PyTorch checkpoint", "PK\x03\x04zip");
  const std::string header = "{\"__metadata__\":{}}";
  expect("is a safetensors file", Bytes().number<uint64_t>(header.size()).get() + header);
  expect("convert_hf_to_gguf.py", Bytes().number<uint64_t>(header.size()).get() + header);
  expect("does not begin with the magic", "%PD");
  expect("does not begin with the magic", "name = \"a scenario\"");
}

TEST(GgufReader, RefusesAFolder) {
  const TemporaryFolder folder;
  expect_error(ErrorKind::kBadInput, "is a folder, expected a GGUF file", [&] {
    (void)GgufFile::open(folder.path());
  });
  expect_error(
      ErrorKind::kBadInput, "convert_hf_to_gguf.py", [&] { (void)GgufFile::open(folder.path()); });
}

TEST(GgufReader, RefusesHostileKeys) {
  expect_refusal("1 GiB", Bytes().head(3, 0, 1).number<uint64_t>(UINT64_MAX));
  expect_refusal("unknown type 99", Bytes().head(3, 0, 1).text("k").number<uint32_t>(99));
  expect_refusal(
      "unknown type 9",
      Bytes().head(3, 0, 1).text("k").number<uint32_t>(9).number<uint32_t>(9).number<uint64_t>(1));
  expect_refusal(
      "elements",
      Bytes().head(3, 0, 1).text("k").number<uint32_t>(9).number<uint32_t>(10).number(UINT64_MAX));
  expect_refusal(
      "truncated",
      Bytes().head(3, 0, 1).text("k").number<uint32_t>(9).number<uint32_t>(8).number<uint64_t>(
          1U << 30U));
  Bytes twice;
  twice.head(3, 0, 2);
  for (int i = 0; i < 2; ++i) {
    twice.text("k").number<uint32_t>(4).number<uint32_t>(1);
  }
  expect_refusal("twice", twice);
  expect_refusal(
      "power of two",
      Bytes().head(3, 0, 1).text("general.alignment").number<uint32_t>(4).number<uint32_t>(24));
  expect_refusal(
      "power of two",
      Bytes().head(3, 0, 1).text("general.alignment").number<uint32_t>(4).number<uint32_t>(0));
}

TEST(GgufReader, RefusesHostileTensors) {
  expect_refusal("5 dimensions", Bytes().head(3, 1, 0).tensor("t", {1, 1, 1, 1, 1}, 0, 0));
  expect_refusal("63 bytes", Bytes().head(3, 1, 0).tensor(std::string(64, 'x'), {1}, 0, 0));
  expect_refusal("\"t\" has type 77", Bytes().head(3, 1, 0).tensor("t", {1}, 77, 0));
  expect_refusal("\"t\" has type 4", Bytes().head(3, 1, 0).tensor("t", {32}, 4, 0));
  expect_refusal("rows of 31", Bytes().head(3, 1, 0).tensor("t", {31}, 2, 0));
  expect_refusal("rows of -1", Bytes().head(3, 1, 0).tensor("t", {-1}, 0, 0));
  expect_refusal("too large", Bytes().head(3, 1, 0).tensor("t", {INT64_MAX / 8, 1 << 20}, 0, 0));
  expect_refusal("too large", Bytes().head(3, 1, 0).tensor("t", {1, -2}, 0, 0));
  expect_refusal("multiple of 32", Bytes().head(3, 1, 0).tensor("t", {1}, 0, 4).data(64));
  expect_refusal("offset", Bytes().head(3, 1, 0).tensor("t", {1}, 0, UINT64_MAX - 31).data(64));
  expect_refusal("truncated",
                 Bytes().head(3, 1, 0).tensor("t", {1}, 0, uint64_t{1} << 40U).data(64));
  expect_refusal("twice",
                 Bytes().head(3, 2, 0).tensor("t", {1}, 0, 0).tensor("t", {1}, 0, 32).data(64));
  expect_refusal("overlap",
                 Bytes().head(3, 2, 0).tensor("t", {9}, 0, 0).tensor("u", {1}, 0, 32).data(64));
}

TEST(GgufReader, SurvivesEveryTruncationAndChangedByte) {
  const TemporaryFolder folder;
  GgufWriter writer = small_writer();
  const std::vector<float> eight(8, 1.0F);
  writer.add_tensor_f32("third", {8}, eight.data());  // ends at the file's end: no padding to lose
  writer.write(folder.path("good"));
  survive_mutations(folder.path("good"), folder.path("trial"), [](const std::string& path) {
    const GgufFile file = GgufFile::open(path);
    for (const std::string& key : file.keys()) {
      try {
        (void)file.get_string_array(key);
      } catch (const Error&) {
      }
      try {
        (void)file.get_int_array(key);
      } catch (const Error&) {
      }
    }
    unsigned sum = 0;
    for (const GgufTensor& tensor : file.tensors()) {
      for (size_t i = 0; i < tensor.size_bytes; ++i) {
        sum += static_cast<unsigned>(tensor.data[i]);
      }
    }
    volatile unsigned sink = sum;
    (void)sink;
  });
}

TEST(GgufTypes, KnowRowSizesOfQuantisedTypes) {
  EXPECT_EQ(gguf_row_bytes(0, 3), 12);
  EXPECT_EQ(gguf_row_bytes(2, 64), 36);
  EXPECT_EQ(gguf_row_bytes(12, 256), 144);
  EXPECT_EQ(gguf_row_bytes(14, 512), 420);
  EXPECT_EQ(gguf_row_bytes(39, 32), 17);
  EXPECT_EQ(gguf_row_bytes(12, 255), -1);
  EXPECT_EQ(gguf_row_bytes(5, 32), -1);
  EXPECT_STREQ(gguf_type_name(12), "q4_K");
  EXPECT_STREQ(gguf_type_name(-1), "unknown");
}

TEST(GgufReader, ReadsTheDemoModels) {
  for (const char* name : {"kingdom-planted-f16.gguf", "kingdom-natural-f16.gguf"}) {
    const GgufFile file = GgufFile::open(std::string(MASCING_DEMO) + "/" + name);
    EXPECT_TRUE(file.has("general.architecture"));
    EXPECT_GT(file.tensors().size(), 10U);
  }
}

}  // namespace
}  // namespace mascing
