// A file that grows: what was appended is there, whoever looks.
#include "base/append_file.h"

#include <gtest/gtest.h>

#include "base/expect_error.h"
#include "base/files.h"
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

}  // namespace
}  // namespace mascing
