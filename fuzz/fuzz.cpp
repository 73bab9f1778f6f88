// What libFuzzer calls, files for the targets, and the shape of a message.
#include "fuzz.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <stdexcept>

#include <sys/mman.h>
#include <unistd.h>

namespace mascing::fuzz {

namespace {

constexpr size_t kShapeBytes = 80;

[[noreturn]] void give_up(const char* what) {
  std::perror(what);
  std::exit(2);
}

}  // namespace

void require(bool is_true, const char* what) {
  if (!is_true) {
    throw std::logic_error(what);
  }
}

std::string& last_outcome() {
  static std::string outcome;
  return outcome;
}

std::string shape_of(const std::string& message) {
  std::string shape;
  bool is_quoted = false;
  for (const char c : message) {
    is_quoted = c == '"' ? !is_quoted : is_quoted;
    if (is_quoted && c != '"') {
      continue;
    }
    const bool is_digit = c >= '0' && c <= '9';
    if (shape.size() < kShapeBytes && !(is_digit && !shape.empty() && shape.back() == '0')) {
      shape += is_digit ? '0' : c;
    }
  }
  return shape;
}

MemoryFile::MemoryFile() : file_(memfd_create("fuzz", 0)) {
  if (file_ < 0) {
    give_up("memfd_create");
  }
  path_ = "/proc/self/fd/" + std::to_string(file_);
}

MemoryFile::~MemoryFile() {
  close(file_);
}

void MemoryFile::fill(std::string_view bytes) const {
  if (ftruncate(file_, static_cast<off_t>(bytes.size())) != 0 ||
      pwrite(file_, bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
    give_up("pwrite");
  }
}

ScratchFolder::ScratchFolder() {
  std::string name = (std::filesystem::temp_directory_path() / "mascing-fuzz-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) {
    give_up("mkdtemp");
  }
  path_ = name;
}

ScratchFolder::~ScratchFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string ScratchFolder::path(const std::string& name) const {
  return name.empty() ? path_ : path_ + "/" + name;
}

std::string header_of(std::string_view safetensors) {
  uint64_t n = 0;
  std::memcpy(&n, safetensors.data(), sizeof n);
  return std::string(safetensors.substr(sizeof n, n));
}

std::string with_header(std::string_view header, std::string_view safetensors) {
  const uint64_t n = header.size();
  std::string bytes(reinterpret_cast<const char*>(&n), sizeof n);
  bytes += header;
  bytes += safetensors.substr(sizeof n + header_of(safetensors).size());
  return bytes;
}

void write_plainly(const std::string& path, std::string_view bytes) {
  FILE* file = std::fopen(path.c_str(), "wb");
  const bool is_written =
      file != nullptr &&
      (bytes.empty() || std::fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size());
  if (!is_written || std::fclose(file) != 0) {
    give_up(path.c_str());
  }
}

}  // namespace mascing::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  mascing::fuzz::try_input({reinterpret_cast<const char*>(data), size});
  return 0;
}
