// A folder belongs to one process at a time.
#include "base/folder_lock.h"

#include <gtest/gtest.h>

#include "base/expect_error.h"
#include "base/temporary_folder.h"

namespace mascing {
namespace {

TEST(FolderLockTest, ASecondHolderIsTurnedAway) {
  const TemporaryFolder folder;
  {
    const FolderLock lock(folder.path());
    expect_error(ErrorKind::kUsage, "another mascing run is writing to", [&] {
      const FolderLock second(folder.path());
    });
  }
  EXPECT_NO_THROW(const FolderLock third(folder.path()));
}

TEST(FolderLockTest, AFolderThatIsNotThereIsASystemError) {
  const TemporaryFolder folder;
  expect_error(
      ErrorKind::kSystem, "cannot write to", [&] { const FolderLock lock(folder.path("none")); });
}

}  // namespace
}  // namespace mascing
