// Only EWOULDBLOCK, and EACCES in its place on CIFS, say that somebody holds the lock; all else is
// a file system that cannot lock.
#include "base/file_lock.h"

#include <atomic>
#include <cerrno>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace mascing {
namespace {

std::atomic<void (*)(const std::string& path)> say_missing{nullptr};

int flags_of(LockFile::Opening opening) {
  switch (opening) {
    case LockFile::Opening::kNew:
      return O_CREAT | O_EXCL;
    case LockFile::Opening::kExisting:
      return O_NOFOLLOW | O_NONBLOCK;
    default:
      return O_CREAT;
  }
}

}  // namespace

LockState try_lock(int file, const std::string& path) {
  while (::flock(file, LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK || errno == EACCES) {
      return LockState::kHeld;
    }
    if (errno != EINTR) {
      if (auto* const say = say_missing.exchange(nullptr); say != nullptr) {
        say(path);
      }
      return LockState::kNone;
    }
  }
  return LockState::kOurs;
}

bool is_still_named(int file, const std::string& name) {
  struct stat opened {};
  struct stat named {};
  return ::fstat(file, &opened) == 0 && ::lstat(name.c_str(), &named) == 0 &&
         opened.st_ino == named.st_ino && opened.st_dev == named.st_dev;
}

void on_missing_locks(void (*say)(const std::string& path)) {
  say_missing = say;
}

// For reading and writing: NFS takes no exclusive lock on a file that is open for reading only.
LockFile::LockFile(const std::string& path, Opening opening)
    : file_(::open(path.c_str(), O_RDWR | O_CLOEXEC | flags_of(opening), 0644)) {
  if (file_ < 0) {
    error_ = errno;
    return;
  }
  state_ = try_lock(file_, path);
  // A link to the file is a name of another one, which is as good where we did not look for our
  // own.
  if (opening != Opening::kAny && !is_still_named(file_, path)) {
    state_ = LockState::kFailed;
    error_ = ENOENT;
  }
}

LockFile::~LockFile() {
  if (file_ >= 0) {
    ::close(file_);
  }
}

}  // namespace mascing
