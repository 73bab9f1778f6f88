// A file of lines that only its owner can read and that several programs may write at once.
#pragma once

#include <cerrno>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace mascing {

class OwnersFile {
 public:
  /// Opens or creates the file, gives it mode 0600, and waits until no other process holds it;
  /// goes on without where the file system has no locks.
  explicit OwnersFile(const std::string& path)
      : file_(::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, kMode)) {
    struct stat facts {};
    if (file_ < 0 || fstat(file_, &facts) != 0) {
      return;
    }
    if (!S_ISREG(facts.st_mode)) {
      errno = EINVAL;
      return;
    }
    is_open_ = (facts.st_mode & kAllRights) == kMode || fchmod(file_, kMode) == 0;
    while (is_open_ && flock(file_, LOCK_EX) != 0 && errno == EINTR) {
    }
  }
  OwnersFile(const OwnersFile&) = delete;
  OwnersFile& operator=(const OwnersFile&) = delete;
  ~OwnersFile() {
    if (file_ >= 0) {
      ::close(file_);
    }
  }

  /// False where one of these failed, with the reason in errno. Nothing else may then be called.
  [[nodiscard]] bool is_open() const { return is_open_; }
  /// False if not all of it was written, with the reason in errno.
  [[nodiscard]] bool append(std::string_view text) const {
    while (!text.empty()) {
      const ssize_t n = ::write(file_, text.data(), text.size());
      if (n < 0 && errno != EINTR) {
        return false;
      }
      text.remove_prefix(n > 0 ? n : 0);
    }
    return true;
  }
  /// The same instead of what the file holds.
  [[nodiscard]] bool replace(std::string_view text) const {
    return ::ftruncate(file_, 0) == 0 && append(text);
  }

 private:
  static constexpr mode_t kMode = 0600;
  static constexpr mode_t kAllRights = 07777;

  int file_;
  bool is_open_ = false;
};

}  // namespace mascing
