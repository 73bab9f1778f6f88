// A file that grows line by line and survives the end of its process at any moment: each line is
// one write at the end of the file; what a broken line left behind is cut off by whoever opens it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace mascing {

class AppendFile {
 public:
  /// Opens or creates the file and locks it for this process. Throws Error{kSystem}; Error{kUsage}
  /// if another process has it.
  explicit AppendFile(const std::string& path);
  AppendFile(const AppendFile&) = delete;
  AppendFile& operator=(const AppendFile&) = delete;
  ~AppendFile();

  [[nodiscard]] int64_t size() const { return size_; }
  /// `n_byte` bytes from `offset` on. Throws Error{kSystem} if there are fewer.
  [[nodiscard]] std::string read(int64_t offset, int64_t n_byte) const;
  /// Cuts the file to its first `n_byte` bytes.
  void truncate(int64_t n_byte);
  /// Adds the bytes at the end: all of them, or the file ends as before and Error{kSystem} is
  /// thrown.
  void append(std::string_view bytes);
  /// Waits until the disk has everything.
  void sync();

 private:
  [[noreturn]] void fail(const std::string& what) const;

  std::string path_;
  int file_ = -1;
  int64_t size_ = 0;
};

}  // namespace mascing
