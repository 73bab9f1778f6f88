// Files that grow, and files that let their reader wait: what was appended is there, whoever looks.
#include "base/append_file.h"

#include <cerrno>
#include <filesystem>

#include <gtest/gtest.h>
#include <sys/resource.h>

#include "base/awaited_file.h"
#include "base/expect_error.h"
#include "base/files.h"
#include "base/owners_file.h"
#include "base/temporary_folder.h"

namespace mascing {
namespace {

TEST(AppendFile, GrowsWhereItEndedAndReadsBack) {
  const TemporaryFolder folder;
  const std::string path = folder.path("lines");
  {
    AppendFile file(path);
    EXPECT_EQ(file.size(), 0);
    file.append("one\n");
    EXPECT_EQ(read_text_file(path), "one\n");
  }
  AppendFile file(path);
  EXPECT_EQ(file.size(), 4);
  file.append("two\n");
  file.sync();
  EXPECT_EQ(file.read(4, 3), "two");
  file.truncate(4);
  file.append("three");
  EXPECT_EQ(read_text_file(path), "one\nthree");
}

TEST(AppendFile, RefusesWhatIsNotThereAndASecondWriter) {
  const TemporaryFolder folder;
  const std::string path = folder.path("lines");
  AppendFile file(path);
  file.append("one");
  expect_error(ErrorKind::kSystem, "cannot be read", [&] { (void)file.read(0, 4); });
  expect_error(ErrorKind::kUsage, "another process", [&] { const AppendFile second(path); });
  expect_error(
      ErrorKind::kSystem, "cannot be opened", [&] { const AppendFile none(folder.path("a/b")); });
  expect_error(
      ErrorKind::kSystem, "cannot be opened", [&] { const AppendFile none(folder.path()); });
  expect_error(ErrorKind::kSystem, "not a plain file", [] { const AppendFile none("/dev/null"); });
}

TEST(AppendFile, SaysThatAnotherProgramShortenedIt) {
  const TemporaryFolder folder;
  AppendFile file(folder.path("lines"));
  file.append("one\n");
  std::filesystem::resize_file(folder.path("lines"), 2);
  expect_error(ErrorKind::kSystem, "shorter than it was", [&] { (void)file.read(0, 4); });
}

TEST(OwnersFile, GrowsIsReplacedAndIsItsOwnersOnly) {
  const TemporaryFolder folder;
  const std::string path = folder.path("history");
  write_file_atomically(path, "one\n");
  std::filesystem::permissions(path, std::filesystem::perms(0644));
  {
    const OwnersFile file(path);
    ASSERT_TRUE(file.is_open());
    EXPECT_TRUE(file.append("two\n"));
    EXPECT_EQ(read_text_file(path), "one\ntwo\n");
    EXPECT_TRUE(file.replace("three\n"));
  }
  EXPECT_EQ(read_text_file(path), "three\n");
  EXPECT_EQ(std::filesystem::status(path).permissions(), std::filesystem::perms(0600));
}

TEST(OwnersFile, SaysWhyItCannotBeOpened) {
  const TemporaryFolder folder;
  errno = 0;
  EXPECT_FALSE(OwnersFile(folder.path("none/history")).is_open());
  EXPECT_EQ(errno, ENOENT);
  errno = 0;
  EXPECT_FALSE(OwnersFile("/dev/null").is_open());
  EXPECT_EQ(errno, EINVAL);
}

// The system refuses to poll more files than may be open, here none.
TEST(AwaitedFile, AFailedWaitIsAFailureAndNoEndlessOne) {
  const TemporaryFolder folder;
  write_file_atomically(folder.path("a"), "x");
  const AwaitedFile file(folder.path("a"), [] { throw Error(ErrorKind::kInterrupted, "asked"); });
  ASSERT_TRUE(file.is_open());
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit none{0, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  char byte = 0;
  errno = 0;
  const std::ptrdiff_t n = file.read(&byte, 1);
  const int reason = errno;
  ::setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_EQ(n, -1);
  EXPECT_EQ(reason, EINVAL);
  EXPECT_EQ(file.read(&byte, 1), 1);
}

}  // namespace
}  // namespace mascing
