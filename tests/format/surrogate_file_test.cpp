#include "mascing/surrogate_file.h"

#include <gtest/gtest.h>

#include "base/expect_error.h"
#include "base/files.h"
#include "base/temporary_folder.h"
#include "format/mutate.h"
#include "format/safetensors.h"

namespace mascing {
namespace {

// L = 2, E = 3, P = 2, H = 1: 6 + 6 + 2 + 16 + 4 + 8 + 1 + 1 values.
Surrogate small_surrogate() {
  Surrogate surrogate;
  surrogate.shape = {.n_layer = 2, .n_expert = 3, .n_proj = 2, .n_hidden = 1};
  for (int i = 0; i < 44; ++i) {
    surrogate.values.push_back(0.5F * static_cast<float>(i));
  }
  surrogate.conversations = {"0123456789abcdef", "fedcba9876543210"};
  return surrogate;
}

TEST(SurrogateFile, WrittenThenReadIsEqual) {
  const TemporaryFolder folder;
  const std::map<std::string, std::string> metadata = {{"seed", "7"}, {"tool", "0.1.0"}};
  write_surrogate(folder.path("a"), small_surrogate(), metadata);
  std::map<std::string, std::string> read_metadata;
  const Surrogate read = read_surrogate(folder.path("a"), &read_metadata);
  EXPECT_EQ(read.shape, small_surrogate().shape);
  EXPECT_EQ(read.values, small_surrogate().values);
  EXPECT_EQ(read.conversations, small_surrogate().conversations);
  EXPECT_EQ(read_metadata, metadata);
  write_surrogate(folder.path("b"), read, metadata);
  EXPECT_EQ(read_text_file(folder.path("a")), read_text_file(folder.path("b")));
}

TEST(SurrogateFile, RefusesValuesThatDoNotFitTheShape) {
  const TemporaryFolder folder;
  Surrogate surrogate = small_surrogate();
  surrogate.values.pop_back();
  expect_error(ErrorKind::kUsage, "43 values do not match the shape, expected 44", [&] {
    write_surrogate(folder.path("a"), surrogate, {});
  });
}

TEST(SurrogateFile, RefusesOtherSafetensors) {
  const TemporaryFolder folder;
  write_safetensors(folder.path("a"), {}, {});
  expect_error(ErrorKind::kBadInput, "is not a surrogate", [&] {
    (void)read_surrogate(folder.path("a"), nullptr);
  });
  const std::map<std::string, std::string> hostile = {
      {"mascing.surrogate.n_layer", "9223372036854775807"},
      {"mascing.surrogate.n_expert", "9223372036854775807"},
      {"mascing.surrogate.n_proj", "2"},
      {"mascing.surrogate.n_hidden", "1"}};
  write_safetensors(folder.path("a"), {}, hostile);
  expect_error(ErrorKind::kBadInput, "does not match the shape", [&] {
    (void)read_surrogate(folder.path("a"), nullptr);
  });
}

TEST(SurrogateFile, SurvivesEveryTruncationAndChangedByte) {
  const TemporaryFolder folder;
  write_surrogate(folder.path("good"), small_surrogate(), {});
  survive_mutations(folder.path("good"), folder.path("trial"), [](const std::string& path) {
    (void)read_surrogate(path, nullptr);
  });
}

TEST(SurrogateFile, OneFlippedBitIsNoticed) {
  const TemporaryFolder folder;
  write_surrogate(folder.path("good"), small_surrogate(), {{"seed", "7"}});
  const std::string good = read_text_file(folder.path("good"));
  for (size_t i = good.find("\"seed\""); i < good.size(); i += 3) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 4);
    write_file_atomically(folder.path("bad"), bad);
    std::map<std::string, std::string> metadata;
    try {
      EXPECT_EQ(read_surrogate(folder.path("bad"), &metadata).values, small_surrogate().values)
          << i;
      EXPECT_EQ(metadata["seed"], "7") << i;
    } catch (const Error&) {
    }
  }
}

}  // namespace
}  // namespace mascing
