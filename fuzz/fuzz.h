// What the fuzz targets share. A target is one file with the three functions below; fuzz.cpp makes
// them what libFuzzer calls.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "mascing/error.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace mascing::fuzz {

/// Valid inputs, made by our own writers where there are any.
[[nodiscard]] std::vector<std::string> seeds();
/// Pieces of the format that chance alone would hardly find.
[[nodiscard]] std::vector<std::string> words();

/// Reads one input with everything that may ever read such. Must leave nothing behind for the next.
void try_input(std::string_view input);

/// Many inputs say by their first byte what the rest is; the empty input is of kind 0.
[[nodiscard]] inline char kind_of(std::string_view input) {
  return input.empty() ? '\0' : input.front();
}
[[nodiscard]] inline std::string_view rest_of(std::string_view input) {
  return input.substr(input.empty() ? 0 : 1);
}

/// For what must hold whatever the input: throws std::logic_error, which is a finding.
void require(bool is_true, const char* what);

/// What became of the last input: "accepted", or the message without its numbers and without what
/// it quotes. An input with a
/// new outcome is worth keeping: it stands in for the coverage that g++ does not report.
[[nodiscard]] std::string& last_outcome();
[[nodiscard]] std::string shape_of(const std::string& message);

/// Runs `work`. Errors of ours are what a broken input should give; anything else is a finding and
/// passes through.
template <typename Work>
void expect_value_or_error(const Work& work) {
  try {
    work();
    last_outcome() = "accepted";
  } catch (const Error& error) {
    last_outcome() = shape_of(error.what());
  }
}

/// A file in memory that is overwritten again and again.
class MemoryFile {
 public:
  MemoryFile();
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  ~MemoryFile();

  /// Under this path any reader finds the file.
  [[nodiscard]] const std::string& path() const { return path_; }
  void fill(std::string_view bytes) const;

 private:
  int file_ = -1;
  std::string path_;
};

/// A folder below the temporary one, removed at the end of the program.
class ScratchFolder {
 public:
  ScratchFolder();
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  ~ScratchFolder();

  [[nodiscard]] std::string path(const std::string& name = {}) const;

 private:
  std::string path_;
};

/// The JSON header of a sound safetensors file, and the file with another header of the right
/// length: chance alone hardly ever changes a header and its length together.
[[nodiscard]] std::string header_of(std::string_view safetensors);
[[nodiscard]] std::string with_header(std::string_view header, std::string_view safetensors);

/// Written plainly: an atomic write waits for the disk.
void write_plainly(const std::string& path, std::string_view bytes);

}  // namespace mascing::fuzz
