// Read-only mapping of a file (POSIX mmap).
#include "base/mapped_file.h"

#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mascing/error.h"

namespace mascing {

namespace {

// Closes the descriptor when the constructor is left; the mapping does not need it.
struct Descriptor {
  int file = -1;
  explicit Descriptor(int opened) : file(opened) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (file >= 0) {
      ::close(file);
    }
  }
};

[[noreturn]] void refuse(const std::string& path,
                         const std::string& cause,
                         const std::string& hint) {
  throw Error(ErrorKind::kBadInput, "[read] " + path + ": " + cause, hint);
}

[[noreturn]] void refuse_to_open(const std::string& path, int code) {
  if (code == ENOENT || code == ENOTDIR) {
    refuse(path, "no such file", "check the name and the folder");
  }
  if (code == EACCES || code == EPERM) {
    refuse(path, "no permission to read", "change its permissions or run as its owner");
  }
  refuse(path,
         std::string("cannot be opened: ") + std::strerror(code),
         "check that the file can be read by other programs");
}

}  // namespace

MappedFile::MappedFile(const std::string& path) : path_(path) {
  const Descriptor opened(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (opened.file < 0) {
    refuse_to_open(path, errno);
  }
  struct stat status {};
  if (::fstat(opened.file, &status) != 0) {
    refuse_to_open(path, errno);
  }
  if (S_ISDIR(status.st_mode)) {
    refuse(path, "is a folder, expected a file", "use a file inside it");
  }
  if (!S_ISREG(status.st_mode)) {
    refuse(path, "is not a regular file", "copy its content to a regular file first");
  }
  size_ = status.st_size;
  if (size_ == 0) {
    return;
  }
  void* start = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, opened.file, 0);
  if (start == MAP_FAILED) {
    refuse(path,
           std::string("cannot be mapped: ") + std::strerror(errno),
           "check the limits on address space (ulimit -v)");
  }
  data_ = static_cast<const std::byte*>(start);
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : path_(std::move(other.path_)),
      data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  if (this != &other) {
    release();
    path_ = std::move(other.path_);
    data_ = std::exchange(other.data_, nullptr);
    size_ = std::exchange(other.size_, 0);
  }
  return *this;
}

MappedFile::~MappedFile() {
  release();
}

std::string_view MappedFile::bytes() const {
  return {reinterpret_cast<const char*>(data_), size_};
}

void MappedFile::let_go() const noexcept {
  if (data_ != nullptr) {
    ::madvise(const_cast<std::byte*>(data_), size_, MADV_DONTNEED);
  }
}

void MappedFile::release() noexcept {
  if (data_ != nullptr) {
    ::munmap(const_cast<std::byte*>(data_), size_);
    data_ = nullptr;
    size_ = 0;
  }
}

}  // namespace mascing
