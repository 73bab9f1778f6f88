#include "base/free_space.h"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "temporary_folder.h"

namespace mascing {
namespace {

TEST(FreeSpace, DiskIsThatOfTheNearestFolderThatExists) {
  const TemporaryFolder folder;
  const std::string far = folder.path("a") + "/b/c";
  EXPECT_EQ(nearest_existing(far), folder.path());
  EXPECT_EQ(nearest_existing(folder.path()), folder.path());
  ASSERT_TRUE(free_disk(far).has_value());
  EXPECT_GT(*free_disk(far), 0);
  EXPECT_FALSE(std::filesystem::exists(folder.path("a")));
}

TEST(FreeSpace, MemoryIsNoMoreThanTheLimitOfTheProcess) {
  ASSERT_TRUE(free_memory().has_value());
  constexpr rlim_t kLimit = rlim_t{1} << 30;
  ASSERT_GT(*free_memory(), 0);
  const pid_t child = fork();
  if (child == 0) {
    const rlimit limit{kLimit, kLimit};
    const bool is_set = setrlimit(RLIMIT_AS, &limit) == 0;
    _exit(is_set && free_memory().value_or(kLimit + 1) <= static_cast<int64_t>(kLimit) ? 0 : 1);
  }
  int status = 1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST(FreeSpace, AValueIsFoundBehindItsKey) {
  const TemporaryFolder folder;
  std::ofstream(folder.path("facts")) << "owls : many\nMemAvailable:   12 kB\n";
  EXPECT_EQ(value_in(folder.path("facts"), "MemAvailable"), "12 kB");
  EXPECT_EQ(value_in(folder.path("facts"), "owls"), "many");
  EXPECT_EQ(value_in(folder.path("facts"), "MemAvail"), "") << "the start of a key is another key";
  EXPECT_EQ(value_in(folder.path("facts"), "cats"), "");
  EXPECT_EQ(value_in(folder.path("none"), "cats"), "");
}

}  // namespace
}  // namespace mascing
