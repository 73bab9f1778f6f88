// POSIX calls; interrupted ones are repeated.
#include "base/append_file.h"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file_lock.h"
#include "base/files.h"
#include "base/temporary_name.h"
#include "mascing/error.h"

namespace mascing {

AppendFile::AppendFile(const std::string& path)
    : path_(path), file_(open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644)) {
  if (file_ < 0) {
    fail("cannot be opened");
  }
  if (try_lock(file_, path) == LockState::kHeld) {
    close(file_);
    throw Error(ErrorKind::kUsage,
                "[files] another process is writing to '" + path + "'",
                "wait for it to finish, or set another output with -o");
  }
  struct stat status {};
  if (fstat(file_, &status) != 0 || !S_ISREG(status.st_mode)) {
    close(file_);
    throw Error(
        ErrorKind::kSystem, "[files] '" + path + "' is not a plain file", "choose another -o");
  }
  size_ = status.st_size;
  if (size_ == 0) {
    sync_folder(folder_of(path));  // sync() would be in vain if the name were lost
  }
}

AppendFile::~AppendFile() {
  close(file_);
}

void AppendFile::fail(const std::string& what) const {
  throw Error(ErrorKind::kSystem,
              "[files] '" + path_ + "' " + what + ": " + std::strerror(errno),
              "check whether the disk is full, or the folder missing or read-only");
}

std::string AppendFile::read(int64_t offset, int64_t n_byte) const {
  std::string bytes(n_byte, '\0');
  for (int64_t n_done = 0; n_done < n_byte;) {
    const ssize_t n = pread(file_, bytes.data() + n_done, n_byte - n_done, offset + n_done);
    if (n == 0) {
      throw Error(ErrorKind::kSystem,
                  "[files] '" + path_ + "' cannot be read: it is shorter than it was",
                  "let no other program change it meanwhile");
    }
    if (n < 0 && errno != EINTR) {
      fail("cannot be read");
    }
    n_done += n > 0 ? n : 0;
  }
  return bytes;
}

void AppendFile::truncate(int64_t n_byte) {
  while (ftruncate(file_, n_byte) != 0) {
    if (errno != EINTR) {
      fail("cannot be cut");
    }
  }
  size_ = n_byte;
}

void AppendFile::append(std::string_view bytes) {
  for (int64_t n_done = 0; n_done < std::ssize(bytes);) {
    const ssize_t n = write(file_, bytes.data() + n_done, bytes.size() - n_done);
    if (n < 0 && errno != EINTR) {
      const int reason = errno;
      (void)!ftruncate(file_, size_);
      errno = reason;
      fail("cannot be written");
    }
    n_done += n > 0 ? n : 0;
  }
  size_ += std::ssize(bytes);
}

void AppendFile::sync() {
  while (fdatasync(file_) != 0) {
    if (errno == EINVAL || errno == ENOTSUP) {
      return;  // a file system that cannot
    }
    if (errno != EINTR) {
      fail("cannot be written");
    }
  }
}

}  // namespace mascing
