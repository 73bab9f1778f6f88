#include "base/files.h"

#include <csignal>
#include <filesystem>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/expect_error.h"
#include "base/mapped_file.h"
#include "base/temporary_folder.h"

namespace mascing {
namespace {

TEST(MappedFile, ShowsTheBytesOfAFile) {
  const TemporaryFolder folder;
  write_file_atomically(folder.path("a"), "hello");
  MappedFile first(folder.path("a"));
  EXPECT_EQ(first.bytes(), "hello");
  MappedFile second = std::move(first);
  EXPECT_EQ(second.bytes(), "hello");
  EXPECT_EQ(second.path(), folder.path("a"));
  second = MappedFile(folder.path("a"));
  EXPECT_EQ(second.size(), 5U);
}

TEST(MappedFile, ReadsTheSameBytesAfterLettingGo) {
  const TemporaryFolder folder;
  std::string bytes;
  for (int i = 0; i < 300000; ++i) {
    bytes.push_back(static_cast<char>(i * 7 % 251));
  }
  write_file_atomically(folder.path("a"), bytes);
  const MappedFile file(folder.path("a"));
  EXPECT_EQ(file.bytes(), bytes);
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(file.bytes(), bytes);
    file.let_go();
  }
  EXPECT_EQ(file.bytes(), bytes);
}

TEST(MappedFile, TakesAnEmptyFile) {
  const TemporaryFolder folder;
  write_file_atomically(folder.path("empty"), "");
  const MappedFile file(folder.path("empty"));
  EXPECT_EQ(file.size(), 0U);
  EXPECT_EQ(file.data(), nullptr);
  EXPECT_EQ(read_text_file(folder.path("empty")), "");
}

TEST(MappedFile, NamesWhatIsWrong) {
  const TemporaryFolder folder;
  expect_error(ErrorKind::kBadInput, "no such file", [&] { MappedFile file(folder.path("none")); });
  expect_error(ErrorKind::kBadInput, "is a folder", [&] { MappedFile file(folder.path()); });
  expect_error(ErrorKind::kBadInput, "not a regular file", [] { MappedFile file("/dev/null"); });
}

TEST(AtomicFile, ShowsNothingBeforeCommit) {
  const TemporaryFolder folder;
  const std::string path = folder.path("a");
  write_file_atomically(path, "old");
  {
    AtomicFile file(path);
    file.write("new");
    EXPECT_EQ(file.position(), 3);
    EXPECT_EQ(read_text_file(path), "old");
  }
  EXPECT_EQ(read_text_file(path), "old");
  EXPECT_EQ(folder.n_entry(), 1);
}

TEST(AtomicFile, WritesWholeContentInPieces) {
  const TemporaryFolder folder;
  const std::string large((size_t{3} << 20) + 17, 'x');
  AtomicFile file(folder.path("a"));
  file.write("a");
  file.write(large);
  file.write("b");
  file.commit();
  EXPECT_EQ(read_text_file(folder.path("a")), "a" + large + "b");
  EXPECT_EQ(folder.n_entry(), 1);
  expect_error(ErrorKind::kSystem, "after it was finished", [&] { file.write("c"); });
  expect_error(ErrorKind::kSystem, "twice", [&] { file.commit(); });
}

TEST(AtomicFile, NamesWhatIsWrong) {
  const TemporaryFolder folder;
  write_file_atomically(folder.path("file"), "x");
  expect_error(ErrorKind::kSystem, "does not exist", [&] {
    write_file_atomically(folder.path("none/a"), "x");
  });
  expect_error(ErrorKind::kSystem, "not a folder", [&] {
    write_file_atomically(folder.path("file/a"), "x");
  });
  expect_error(
      ErrorKind::kSystem, "is a folder", [&] { write_file_atomically(folder.path(), "x"); });
  EXPECT_EQ(folder.n_entry(), 1);
}

TEST(AtomicFile, AWriteThatFailsHalfwayLeavesTheOldContent) {
  const TemporaryFolder folder;
  write_file_atomically(folder.path("a"), "old");
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  rlimit small = before;
  small.rlim_cur = 1 << 20;
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  expect_error(ErrorKind::kSystem, "too large", [&] {
    write_file_atomically(folder.path("a"), std::string(size_t{3} << 20, 'x'));
  });
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  EXPECT_EQ(read_text_file(folder.path("a")), "old");
  EXPECT_EQ(folder.n_entry(), 1);
}

TEST(AtomicFile, OfTwoWritersOfOneNewNameTheLastWinsAndNothingElseStays) {
  const TemporaryFolder folder;
  AtomicFile first(folder.path("out"));
  AtomicFile second(folder.path("out"));
  first.write("first");
  second.write("second");
  first.commit();
  EXPECT_EQ(read_text_file(folder.path("out")), "first");
  second.commit();
  EXPECT_EQ(read_text_file(folder.path("out")), "second");
  EXPECT_EQ(folder.n_entry(), 1);
}

TEST(AtomicFile, DoesNotReplaceADevice) {
  expect_error(ErrorKind::kSystem, "device", [] { write_file_atomically("/dev/null", "x"); });
}

TEST(AtomicFile, FollowsASymbolicLink) {
  const TemporaryFolder folder;
  write_file_atomically(folder.path("real"), "old");
  std::filesystem::create_symlink(folder.path("real"), folder.path("link"));
  write_file_atomically(folder.path("link"), "new");
  EXPECT_TRUE(std::filesystem::is_symlink(folder.path("link")));
  EXPECT_EQ(read_text_file(folder.path("real")), "new");
}

// Names without process numbers: what a killed process left is found by the next one, whatever its
// number.
TEST(AtomicFile, WhatAKilledWriterLeftIsReplacedAndWhatALivingOneWritesIsNot) {
  const TemporaryFolder folder;
  write_file_atomically(folder.path("a"), "old");
  write_file_atomically(folder.path("a.tmp-0"), "left over");
  write_file_atomically(folder.path("a"), "new");
  EXPECT_EQ(read_text_file(folder.path("a")), "new");
  EXPECT_EQ(folder.n_entry(), 1);
  const int living = ::open(folder.path("a.tmp-0").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  ASSERT_EQ(::flock(living, LOCK_EX), 0);
  write_file_atomically(folder.path("a"), "newer");
  EXPECT_EQ(read_text_file(folder.path("a")), "newer");
  EXPECT_TRUE(file_exists(folder.path("a.tmp-0")));
  EXPECT_EQ(folder.n_entry(), 2);
  ::close(living);
}

TEST(AtomicFile, TakesTheLongestName) {
  const TemporaryFolder folder;
  const std::string path = folder.path(std::string(255, 'n'));
  write_file_atomically(path, "first");
  write_file_atomically(path, "second");
  EXPECT_EQ(read_text_file(path), "second");
  EXPECT_EQ(folder.n_entry(), 1);
}

TEST(AtomicFile, MakesNoFileNamedLikeStandardOutput) {
  expect_error(ErrorKind::kUsage, "standard output", [] { write_file_atomically("-", "x"); });
}

TEST(RefuseToOverwrite, KnowsAFileUnderEveryName) {
  const TemporaryFolder folder;
  write_file_atomically(folder.path("in"), "x");
  std::filesystem::create_symlink(folder.path("in"), folder.path("soft"));
  std::filesystem::create_hard_link(folder.path("in"), folder.path("hard"));
  for (const char* name : {"in", "soft", "hard", "./in"}) {
    expect_error(ErrorKind::kUsage, "is the input", [&] {
      refuse_to_overwrite(folder.path(name), {folder.path("none"), folder.path("in")});
    });
  }
  refuse_to_overwrite(folder.path("out"), {folder.path("in"), folder.path("out"), ""});
}

TEST(EnsureDirectory, NamesALinkLoopAndANameThatIsTooLong) {
  const TemporaryFolder folder;
  std::filesystem::create_symlink(folder.path("loop"), folder.path("loop"));
  for (const std::string& name : {std::string("loop"), std::string(300, 'n')}) {
    expect_error(ErrorKind::kSystem, name, [&] { ensure_directory(folder.path(name)); });
    expect_error(ErrorKind::kSystem, name, [&] { write_file_atomically(folder.path(name), "x"); });
  }
}

TEST(EnsureDirectory, CreatesParentsAndChecksThatItIsWritable) {
  const TemporaryFolder folder;
  ensure_directory(folder.path("a/b/c"));
  ensure_directory(folder.path("a/b/c"));
  EXPECT_TRUE(file_exists(folder.path("a/b/c")));
  EXPECT_TRUE(std::filesystem::is_empty(folder.path("a/b/c")));
  write_file_atomically(folder.path("file"), "x");
  expect_error(ErrorKind::kSystem, "file", [&] { ensure_directory(folder.path("file")); });
  expect_error(ErrorKind::kSystem, "file", [&] { ensure_directory(folder.path("file/below")); });
  expect_error(ErrorKind::kSystem, "/proc", [] { ensure_directory("/proc/self"); });
}

TEST(FileName, SplitsPaths) {
  EXPECT_EQ(file_name("out/mask.gguf"), "mask.gguf");
  EXPECT_EQ(file_stem("data/attacks.jsonl"), "attacks");
}

TEST(WithoutEndSlashes, LeavesTheRootAndWhatStandsWithin) {
  EXPECT_EQ(without_end_slashes("out/hf"), "out/hf");
  EXPECT_EQ(without_end_slashes("out//hf///"), "out//hf");
  EXPECT_EQ(without_end_slashes("//"), "/");
  EXPECT_EQ(without_end_slashes(""), "");
}

}  // namespace
}  // namespace mascing
