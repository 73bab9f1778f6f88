// A line-based file that survives the end of its process at any time. Each line is a single write
// at the end of the file; an incomplete last line is cut off when the file is opened.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace mascing {

class AppendFile {
 public:
  /// Opens or creates the file and locks it for this process. Throws Error{kSystem}; Error{kUsage}
  /// if another process holds it. Without locks it goes on (on_missing_locks).
  explicit AppendFile(const std::string& path);
  AppendFile(const AppendFile&) = delete;
  AppendFile& operator=(const AppendFile&) = delete;
  ~AppendFile();

  [[nodiscard]] int64_t size() const { return size_; }
  /// Reads `n_byte` bytes from `offset`. Throws Error{kSystem} if there are fewer.
  [[nodiscard]] std::string read(int64_t offset, int64_t n_byte) const;
  /// Truncates the file to its first `n_byte` bytes.
  void truncate(int64_t n_byte);
  /// Appends all bytes, or leaves the file unchanged and throws
  /// Error{kSystem}.
  void append(std::string_view bytes);
  /// Waits until everything is on disk.
  void sync();

 private:
  [[noreturn]] void fail(const std::string& what) const;

  std::string path_;
  int file_ = -1;
  int64_t size_ = 0;
};

}  // namespace mascing
