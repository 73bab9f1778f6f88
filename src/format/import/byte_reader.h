// Bytes from a file or from memory, a piece at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace mascing {

class ByteReader {
 public:
  /// Throws Error{kBadInput} if the file is missing, a folder, or may not be read. A pipe may let
  /// its reader wait for ever: `watch` is asked meanwhile and may throw, which ends the wait.
  static ByteReader open(const std::string& path, const std::function<void()>& watch = {});
  /// Reads `bytes`, which must outlive the reader.
  static ByteReader over(std::string_view bytes);
  ByteReader(ByteReader&&) noexcept;
  ByteReader& operator=(ByteReader&&) noexcept;
  ~ByteReader();

  /// The next bytes, at least `n_least` of them unless the source ends before (then what is left);
  /// `n_least` is at most 4096. Empty at the end. Valid until the next call. Throws
  /// Error{kBadInput} if the file cannot be read on.
  [[nodiscard]] std::string_view peek(size_t n_least = 1);
  /// Passes over the first `n` of the bytes that peek() showed.
  void skip(size_t n);
  /// Keeps what is passed over from here on, up to `n_most` bytes, for sources that cannot be
  /// opened again.
  void keep(size_t n_most);
  /// Back to where keep() was called. False if more has been passed over since than is kept.
  [[nodiscard]] bool go_back();
  /// What is kept is not needed.
  void forget();
  /// Bytes passed over so far.
  [[nodiscard]] int64_t position() const;

 private:
  struct Source;
  explicit ByteReader(std::unique_ptr<Source> source);

  std::unique_ptr<Source> source_;
};

}  // namespace mascing
