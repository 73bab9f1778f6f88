// A file, or a pipe that may let its reader wait for ever, read piece by piece.
#pragma once

#include <cstddef>
#include <functional>
#include <string>

namespace mascing {

class AwaitedFile {
 public:
  /// Opens for reading and waits for no writer. `watch` is asked several times a second while
  /// nothing comes, and may throw to end the wait; may be empty. On failure is_open() is false and
  /// errno says why.
  explicit AwaitedFile(const std::string& path, std::function<void()> watch = {});
  AwaitedFile(const AwaitedFile&) = delete;
  AwaitedFile& operator=(const AwaitedFile&) = delete;
  ~AwaitedFile();

  [[nodiscard]] bool is_open() const { return file_ >= 0; }
  /// Bytes read into `to`, at most `n`; 0 at the end, -1 on failure (errno).
  [[nodiscard]] std::ptrdiff_t read(char* to, size_t n) const;

 private:
  int file_;
  std::function<void()> watch_;
};

}  // namespace mascing
