#include "base/sha256.h"

#include <gtest/gtest.h>

#include "base/expect_error.h"
#include "base/files.h"
#include "base/temporary_folder.h"

namespace mascing {
namespace {

constexpr const char* kOfAbc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

TEST(Sha256, MatchesThePublishedDigests) {
  EXPECT_EQ(sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256_hex("abc"), kOfAbc);
}

TEST(Sha256, PartsGiveTheDigestOfTheWhole) {
  Sha256 hash;
  hash.update("a");
  hash.update(nullptr, 0);
  hash.update("bc", 2);
  Sha256 moved = std::move(hash);
  EXPECT_EQ(moved.hex(), kOfAbc);
}

TEST(Sha256, ACopyGoesOnByItself) {
  Sha256 hash;
  hash.update("a");
  Sha256 copy = hash.copy();
  hash.update("xy");
  copy.update("bc");
  EXPECT_EQ(copy.hex(), kOfAbc);
  EXPECT_EQ(hash.hex(), sha256_hex("axy"));
}

TEST(Sha256, AFileHasTheDigestOfItsBytes) {
  const TemporaryFolder folder;
  write_file_atomically(folder.path("a"), "abc");
  EXPECT_EQ(sha256_file(folder.path("a")), kOfAbc);
  expect_error(
      ErrorKind::kBadInput, "no such file", [&] { (void)sha256_file(folder.path("missing")); });
}

}  // namespace
}  // namespace mascing
