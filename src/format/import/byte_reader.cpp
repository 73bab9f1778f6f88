// One buffer that is refilled from the file; what is left of it moves to its front first.
#include "format/import/byte_reader.h"

#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/files.h"
#include "mascing/error.h"

namespace mascing {

namespace {

constexpr size_t kReadBytes = size_t{1} << 18;
constexpr int kWatchMs = 100;  // between two questions to the watch

}  // namespace

struct ByteReader::Source {
  Source() = default;
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;
  ~Source() {
    if (file >= 0) {
      ::close(file);
    }
  }

  std::string path;
  std::function<void()> watch = {};
  int file = -1;  // below 0: everything is in `rest`
  std::string buffer;
  std::string_view rest;
  int64_t position = 0;

  [[noreturn]] void fail() const {
    throw Error(ErrorKind::kBadInput,
                "[import] " + file_name(path) + ": cannot be read: " + std::strerror(errno),
                "check the path and its permissions: " + path);
  }

  void refill() {
    const size_t n_left = rest.size();
    std::memmove(buffer.data(), rest.data(), n_left);
    rest = {buffer.data(), n_left + read_some(buffer.data() + n_left, buffer.size() - n_left)};
  }

  /// 0 at the end.
  [[nodiscard]] size_t read_some(char* to, size_t n) const {
    while (true) {
      await_bytes();
      const ssize_t n_new = ::read(file, to, n);
      if (n_new >= 0) {
        return n_new;
      }
      if (errno != EINTR && errno != EAGAIN) {
        fail();
      }
    }
  }

  /// Until there is something to read, or the writer is gone.
  void await_bytes() const {
    pollfd one{file, POLLIN, 0};
    while (poll(&one, 1, kWatchMs) <= 0) {
      if (watch) {
        watch();
      }
    }
  }
};

ByteReader::ByteReader(std::unique_ptr<Source> source) : source_(std::move(source)) {}
ByteReader::ByteReader(ByteReader&&) noexcept = default;
ByteReader& ByteReader::operator=(ByteReader&&) noexcept = default;
ByteReader::~ByteReader() = default;

ByteReader ByteReader::open(const std::string& path, const std::function<void()>& watch) {
  auto source = std::make_unique<Source>();
  source->path = path;
  source->watch = watch;
  errno = 0;
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) {
    source->fail();
  }
  if (S_ISDIR(status.st_mode)) {
    errno = EISDIR;
    source->fail();
  }
  source->file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (source->file < 0) {
    source->fail();
  }
  source->buffer.resize(kReadBytes);
  source->rest = std::string_view(source->buffer).substr(0, 0);
  return ByteReader(std::move(source));
}

ByteReader ByteReader::over(std::string_view bytes) {
  auto source = std::make_unique<Source>();
  source->rest = bytes;
  return ByteReader(std::move(source));
}

std::string_view ByteReader::peek(size_t n_least) {
  while (source_->file >= 0 && source_->rest.size() < n_least) {
    const size_t n_before = source_->rest.size();
    source_->refill();
    if (source_->rest.size() == n_before) {
      break;
    }
  }
  return source_->rest;
}

void ByteReader::skip(size_t n) {
  source_->rest.remove_prefix(n);
  source_->position += static_cast<int64_t>(n);
}

int64_t ByteReader::position() const {
  return source_->position;
}

}  // namespace mascing
