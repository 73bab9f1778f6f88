// Locks, work folders and temporary files, with processes that are killed while they write.
#include "base/file_lock.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <exception>
#include <filesystem>
#include <functional>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/append_file.h"
#include "base/expect_error.h"
#include "base/files.h"
#include "base/folder_lock.h"
#include "base/temporary_folder.h"
#include "base/temporary_name.h"
#include "base/work_folder.h"

namespace {

bool has_locks = true;

}  // namespace

// In place of the C library's: as on a file system without locks, if the test says so.
extern "C" int flock(int file, int operation) noexcept {
  if (!has_locks) {
    errno = ENOLCK;
    return -1;
  }
  return static_cast<int>(::syscall(SYS_flock, file, operation));
}

namespace mascing {
namespace {

namespace fs = std::filesystem;

/// A process that has done `work` and then neither ends nor cleans up, until it is killed.
class StandingProcess {
 public:
  explicit StandingProcess(const std::function<void(const std::function<void()>& stand)>& work) {
    std::array<int, 2> ready{};
    EXPECT_EQ(::pipe(ready.data()), 0);
    number_ = ::fork();
    if (number_ == 0) {
      try {
        work([&] {
          (void)!::write(ready[1], "r", 1);
          while (true) {
            ::pause();
          }
        });
      } catch (const std::exception&) {
        ::_exit(2);  // and not back into the tests
      }
      ::_exit(1);
    }
    ::close(ready[1]);
    char byte = 0;
    EXPECT_EQ(::read(ready[0], &byte, 1), 1) << "it ended before it stood still";
    ::close(ready[0]);
  }
  StandingProcess(const StandingProcess&) = delete;
  StandingProcess& operator=(const StandingProcess&) = delete;
  ~StandingProcess() { kill(); }

  void kill() {
    if (number_ > 0) {
      ::kill(number_, SIGKILL);
      ::waitpid(number_, nullptr, 0);
      number_ = -1;
    }
  }

 private:
  pid_t number_ = -1;
};

/// A process that stands within a work folder with one file.
class StandingWriter : public StandingProcess {
 public:
  StandingWriter(const std::string& output, WorkPlace place)
      : StandingProcess([&](const std::function<void()>& stand) {
          const WorkFolder folder(output, place);
          write_file_atomically(folder.file("half"), "half");
          stand();
        }) {}
};

std::string missing_on;

class WithoutLocks {
 public:
  WithoutLocks() {
    has_locks = false;
    missing_on.clear();
    on_missing_locks([](const std::string& path) { missing_on += path; });
  }
  WithoutLocks(const WithoutLocks&) = delete;
  WithoutLocks& operator=(const WithoutLocks&) = delete;
  ~WithoutLocks() {
    has_locks = true;
    on_missing_locks(nullptr);
  }
};

TEST(FileLock, IsFreeWhenItsHolderIsKilled) {
  const TemporaryFolder folder;
  const std::string path = folder.path("lock");
  StandingProcess other([&](const std::function<void()>& stand) {
    const LockFile lock(path, LockFile::Opening::kNew);
    stand();
  });
  EXPECT_EQ(LockFile(path, LockFile::Opening::kExisting).state(), LockState::kHeld);
  other.kill();
  EXPECT_EQ(LockFile(path, LockFile::Opening::kExisting).state(), LockState::kOurs);
}

TEST(FileLock, SaysWhyThereIsNone) {
  const TemporaryFolder folder;
  const std::string path = folder.path("lock");
  const LockFile none(path, LockFile::Opening::kExisting);
  EXPECT_EQ(none.state(), LockState::kFailed);
  EXPECT_EQ(none.error(), ENOENT);
  write_file_atomically(path, "");
  EXPECT_EQ(LockFile(path, LockFile::Opening::kNew).error(), EEXIST);
  fs::create_symlink(path, folder.path("link"));
  EXPECT_EQ(LockFile(folder.path("link"), LockFile::Opening::kExisting).error(), ELOOP);
}

TEST(FileLock, AFileSystemWithoutLocksIsReportedOnce) {
  const TemporaryFolder folder;
  const WithoutLocks none;
  EXPECT_EQ(LockFile(folder.path("a"), LockFile::Opening::kNew).state(), LockState::kNone);
  EXPECT_EQ(LockFile(folder.path("b"), LockFile::Opening::kNew).state(), LockState::kNone);
  EXPECT_EQ(missing_on, folder.path("a"));
}

TEST(FileLock, WithoutLocksRunsAndJournalsGoOnAndNothingIsTakenAway) {
  const TemporaryFolder folder;
  {
    const WithoutLocks none;
    const FolderLock lock(folder.path());
    AppendFile journal(folder.path("journal"));
    journal.append("one\n");
    fs::create_directories(folder.path("out.tmp-0/files"));
    write_file_atomically(folder.path("out.tmp-0/.work-lock"), "");
    write_file_atomically(folder.path("a.tmp-0"), "perhaps of somebody");
    write_file_atomically(folder.path("a"), "old");
    write_file_atomically(folder.path("a"), "new");
    WorkFolder work(folder.path("out"), WorkPlace::kBeside);
    EXPECT_EQ(work.path(), folder.path("out.tmp-1/files"));
    work.move_to(folder.path("out"));
  }
  EXPECT_EQ(read_text_file(folder.path("a")), "new");
  EXPECT_TRUE(file_exists(folder.path("a.tmp-0")));
  EXPECT_TRUE(file_exists(folder.path("out.tmp-0")));
  EXPECT_FALSE(file_exists(folder.path("out.tmp-1")));
  EXPECT_TRUE(file_exists(folder.path("out")));
}

TEST(TemporaryName, HasNumbersInOneSpelling) {
  EXPECT_EQ(temporary_name("out/a", 3), "out/a.tmp-3");
  EXPECT_EQ(temporary_name("out/", 0), "out/.tmp-0");
  EXPECT_EQ(temporary_name("a", 0), "a.tmp-0");
  EXPECT_TRUE(is_temporary_name("a.tmp-12", "out/a"));
  EXPECT_TRUE(is_temporary_name(".tmp-0", "out/"));
  for (const char* name : {"a.tmp-",
                           "a.tmp-x",
                           "a.tmp-1x",
                           "a.tmp-01",
                           "a.tmp--1",
                           "b.tmp-1",
                           "a.tmp-99999999999999999999"}) {
    EXPECT_FALSE(is_temporary_name(name, "out/a")) << name;
  }
}

TEST(WorkFolder, BecomesTheOutputOrVanishes) {
  const TemporaryFolder folder;
  { const WorkFolder work(folder.path("out/"), WorkPlace::kBeside); }
  EXPECT_EQ(folder.n_entry(), 0);
  {
    WorkFolder work(folder.path("out/"), WorkPlace::kBeside);
    write_file_atomically(work.file("a"), "a");
    EXPECT_FALSE(file_exists(folder.path("out")));
    work.move_to(folder.path("out"));
  }
  EXPECT_EQ(folder.n_entry(), 1);
  EXPECT_EQ(read_text_file(folder.path("out/a")), "a");
  EXPECT_FALSE(file_exists(folder.path("out/.work-lock")));
  WorkFolder second(folder.path("out"), WorkPlace::kBeside);
  expect_error(ErrorKind::kSystem, "its name", [&] { second.move_to(folder.path("out")); });
}

TEST(WorkFolder, WhatAKilledProcessLeftGoesAndWhatALivingOneWritesStays) {
  for (const WorkPlace place : {WorkPlace::kBeside, WorkPlace::kWithin}) {
    const TemporaryFolder folder;
    const std::string output = folder.path("out");
    fs::create_directory(output);
    const std::string start = output + (place == WorkPlace::kWithin ? "/.tmp-" : ".tmp-");
    StandingWriter first(output, place);
    StandingWriter second(output, place);
    EXPECT_TRUE(file_exists(start + "0/files/half"));
    EXPECT_TRUE(file_exists(start + "1/files/half"));
    first.kill();
    remove_abandoned(output, place);
    EXPECT_FALSE(file_exists(start + "0"));
    EXPECT_TRUE(file_exists(start + "1/files/half"));
    second.kill();
    {
      const WorkFolder third(output, place);
      EXPECT_EQ(third.path(), start + "0/files");
      EXPECT_TRUE(fs::is_empty(third.path()));
      EXPECT_FALSE(file_exists(start + "1")) << "a gap in the numbers hides it";
    }
    EXPECT_TRUE(fs::is_empty(output));
    EXPECT_EQ(folder.n_entry(), 1);
  }
}

// Killed between making the folder and locking it, or while another one was taken away.
TEST(WorkFolder, WithoutALockOnlyAnEmptyOneIsTakenAway) {
  const TemporaryFolder folder;
  fs::create_directory(folder.path("out.tmp-0"));
  fs::create_directory(folder.path("out.tmp-1"));
  write_file_atomically(folder.path("out.tmp-1/diary"), "of somebody");
  fs::create_directory(folder.path("real"));
  write_file_atomically(folder.path("real/.work-lock"), "");
  fs::create_directory_symlink(folder.path("real"), folder.path("out.tmp-2"));
  write_file_atomically(folder.path("out.tmp-3"), "a file");
  fs::create_directory(folder.path("out.tmp-4"));
  write_file_atomically(folder.path("out.tmp-4/.lock"), "");  // a run into a folder of this name
  remove_abandoned(folder.path("out"), WorkPlace::kBeside);
  EXPECT_FALSE(file_exists(folder.path("out.tmp-0")));
  EXPECT_TRUE(file_exists(folder.path("out.tmp-1/diary")));
  EXPECT_TRUE(file_exists(folder.path("real/.work-lock")));
  EXPECT_TRUE(file_exists(folder.path("out.tmp-2")));
  EXPECT_TRUE(file_exists(folder.path("out.tmp-3")));
  EXPECT_TRUE(file_exists(folder.path("out.tmp-4/.lock")));
}

TEST(WorkFolder, MovesUpIntoAFolderThatStays) {
  const TemporaryFolder folder;
  {
    WorkFolder work(folder.path(), WorkPlace::kWithin);
    fs::create_directory(work.file("data"));
    write_file_atomically(work.file("data/a"), "a");
    write_file_atomically(work.file("last"), "b");
    work.move_up();
  }
  EXPECT_EQ(folder.n_entry(), 2);
  EXPECT_EQ(read_text_file(folder.path("data/a")), "a");
  WorkFolder work(folder.path(), WorkPlace::kWithin);
  write_file_atomically(work.file("last"), "other");
  expect_error(ErrorKind::kSystem, "move the new files", [&] { work.move_up(); });
  EXPECT_EQ(read_text_file(folder.path("last")), "b");
}

TEST(WorkFolder, WhoIsKilledWhileItMovesUpIsFinishedByTheNext) {
  const TemporaryFolder folder;
  StandingProcess other([&](const std::function<void()>& stand) {
    WorkFolder work(folder.path(), WorkPlace::kWithin);
    write_file_atomically(work.file("a"), "a");
    write_file_atomically(work.file("b"), "b");
    const std::string complete = folder.path(".tmp-0/complete");
    fs::rename(work.path(), complete);
    fs::rename(complete + "/a", folder.path("a"));
    stand();
  });
  remove_abandoned(folder.path(), WorkPlace::kWithin);
  EXPECT_FALSE(file_exists(folder.path("b"))) << "it lives";
  other.kill();
  remove_abandoned(folder.path(), WorkPlace::kWithin);
  EXPECT_EQ(read_text_file(folder.path("a")), "a");
  EXPECT_EQ(read_text_file(folder.path("b")), "b");
  EXPECT_EQ(folder.n_entry(), 2);
}

TEST(WorkFolder, SaysWhyThereCanBeNone) {
  const TemporaryFolder folder;
  write_file_atomically(folder.path("file"), "x");
  expect_error(ErrorKind::kSystem, "file", [&] {
    const WorkFolder none(folder.path("file/out"), WorkPlace::kBeside);
  });
}

TEST(AtomicFile, WhatAKilledWriterLeftUnderANameGoesAndALivingOnesStays) {
  const TemporaryFolder folder;
  const std::string left = folder.path("a.tmp-0");
  StandingProcess other([&](const std::function<void()>& stand) {
    const LockFile lock(left, LockFile::Opening::kNew);
    stand();
  });
  write_file_atomically(folder.path("a"), "old");
  write_file_atomically(folder.path("a"), "new");
  EXPECT_TRUE(file_exists(left));
  other.kill();
  write_file_atomically(folder.path("a"), "newer");
  EXPECT_FALSE(file_exists(left));
  EXPECT_EQ(read_text_file(folder.path("a")), "newer");
}

// Temporary names stay locked until they have become the file: no writer takes another's away.
TEST(AtomicFile, WritersOfOneFileAtTheSameTimeAllSucceed) {
  const TemporaryFolder folder;
  const std::string path = folder.path("a");
  write_file_atomically(path, "old");
  std::array<pid_t, 4> writers{};
  for (pid_t& writer : writers) {
    writer = ::fork();
    if (writer == 0) {
      try {
        for (int i = 0; i < 40; ++i) {
          write_file_atomically(path, "new");
        }
      } catch (const std::exception&) {
        ::_exit(1);
      }
      ::_exit(0);
    }
  }
  for (const pid_t writer : writers) {
    int status = 1;
    EXPECT_EQ(::waitpid(writer, &status, 0), writer);
    EXPECT_EQ(status, 0);
  }
  EXPECT_EQ(read_text_file(path), "new");
  EXPECT_EQ(folder.n_entry(), 1);
}

}  // namespace
}  // namespace mascing
