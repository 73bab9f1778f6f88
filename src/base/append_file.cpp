// POSIX calls; interrupted ones are repeated.
#include "base/append_file.h"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mascing/error.h"

namespace mascing {

AppendFile::AppendFile(const std::string& path)
    : path_(path), file_(open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644)) {
  if (file_ < 0) {
    fail("cannot be opened");
  }
  if (flock(file_, LOCK_EX | LOCK_NB) != 0) {
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
      errno = EIO;
    }
    if (n == 0 || (n < 0 && errno != EINTR)) {
      fail("cannot be read");
    }
    n_done += n > 0 ? n : 0;
  }
  return bytes;
}

void AppendFile::truncate(int64_t n_byte) {
  if (ftruncate(file_, n_byte) != 0) {
    fail("cannot be cut");
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
  if (fdatasync(file_) != 0) {
    fail("cannot be written");
  }
}

}  // namespace mascing
