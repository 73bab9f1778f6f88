// One buffer that is refilled from the file; what is left of it moves to its front first.
#include "format/import/byte_reader.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include <sys/stat.h>

#include "base/awaited_file.h"
#include "base/files.h"
#include "mascing/error.h"

namespace mascing {

namespace {

constexpr size_t kReadBytes = size_t{1} << 18;

}  // namespace

struct ByteReader::Source {
  std::string path;
  std::optional<AwaitedFile> file;  // none: everything is in `rest`
  std::string buffer;
  std::string_view rest;
  int64_t position = 0;
  std::string kept;
  size_t n_most_kept = 0;
  bool is_all_kept = false;

  [[noreturn]] void fail() const {
    if (errno == ENOENT) {
      throw Error(ErrorKind::kBadInput,
                  "[import] " + path + ": no such file",
                  "check the name and the folder");
    }
    throw Error(ErrorKind::kBadInput,
                "[import] " + file_name(path) + ": cannot be read: " + std::strerror(errno),
                "check the path and its permissions: " + path);
  }

  void refill() {
    const size_t n_left = rest.size();
    std::memmove(buffer.data(), rest.data(), n_left);
    const std::ptrdiff_t n_new = file->read(buffer.data() + n_left, buffer.size() - n_left);
    if (n_new < 0) {
      fail();
    }
    rest = {buffer.data(), n_left + n_new};
  }
};

ByteReader::ByteReader(std::unique_ptr<Source> source) : source_(std::move(source)) {}
ByteReader::ByteReader(ByteReader&&) noexcept = default;
ByteReader& ByteReader::operator=(ByteReader&&) noexcept = default;
ByteReader::~ByteReader() = default;

ByteReader ByteReader::open(const std::string& path, const std::function<void()>& watch) {
  auto source = std::make_unique<Source>();
  source->path = path;
  errno = 0;
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) {
    source->fail();
  }
  if (S_ISDIR(status.st_mode)) {
    errno = EISDIR;
    source->fail();
  }
  source->file.emplace(path, watch);
  if (!source->file->is_open()) {
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
  while (source_->file && source_->rest.size() < n_least) {
    const size_t n_before = source_->rest.size();
    source_->refill();
    if (source_->rest.size() == n_before) {
      break;
    }
  }
  return source_->rest;
}

void ByteReader::keep(size_t n_most) {
  source_->n_most_kept = n_most;
  source_->is_all_kept = true;
}

bool ByteReader::go_back() {
  Source& source = *source_;
  const bool is_possible = source.is_all_kept;
  if (is_possible) {
    const size_t n_byte = source.kept.size() + source.rest.size();
    source.position -= std::ssize(source.kept);
    source.buffer = source.kept.append(source.rest);
    source.buffer.resize(std::max(n_byte, kReadBytes));
    source.rest = std::string_view(source.buffer).substr(0, n_byte);
  }
  forget();
  return is_possible;
}

void ByteReader::forget() {
  source_->kept = {};
  source_->is_all_kept = false;
}

void ByteReader::skip(size_t n) {
  if (source_->is_all_kept) {
    source_->kept += source_->rest.substr(0, n);
    if (source_->kept.size() > source_->n_most_kept) {
      forget();
    }
  }
  source_->rest.remove_prefix(n);
  source_->position += static_cast<int64_t>(n);
}

int64_t ByteReader::position() const {
  return source_->position;
}

}  // namespace mascing
