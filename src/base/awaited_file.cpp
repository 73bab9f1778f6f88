// poll() with a short limit: between two looks the watch is asked.
#include "base/awaited_file.h"

#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

namespace mascing {
namespace {

constexpr int kLookMs = 100;

}  // namespace

AwaitedFile::AwaitedFile(const std::string& path, std::function<void()> watch)
    : file_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)), watch_(std::move(watch)) {}

AwaitedFile::~AwaitedFile() {
  if (file_ >= 0) {
    ::close(file_);
  }
}

std::ptrdiff_t AwaitedFile::read(char* to, size_t n) const {
  while (true) {
    pollfd one{file_, POLLIN, 0};
    for (int n_ready = 0; n_ready <= 0;) {
      n_ready = poll(&one, 1, kLookMs);
      if (n_ready < 0 && errno != EINTR) {
        return -1;
      }
      if (n_ready <= 0 && watch_) {
        watch_();
      }
    }
    const ssize_t n_new = ::read(file_, to, n);
    if (n_new >= 0 || (errno != EINTR && errno != EAGAIN)) {
      return n_new;
    }
  }
}

}  // namespace mascing
