// SHA-256 of bytes, texts and files (OpenSSL's implementation).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace mascing {

/// Digest of everything given to update(), in order. Throws Error{kSystem} if the library refuses.
class Sha256 {
 public:
  Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;
  ~Sha256();

  void update(const void* data, size_t size_bytes);
  void update(std::string_view bytes);
  /// Another one that goes on from here.
  [[nodiscard]] Sha256 copy() const;
  /// Finishes: 64 lower-case hexadecimal digits. The object takes no further bytes after it.
  [[nodiscard]] std::string hex();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

[[nodiscard]] std::string sha256_hex(std::string_view bytes);
/// The first 64 bits of a text's digest: the same on every platform.
[[nodiscard]] uint64_t sha256_bits(std::string_view bytes);
/// Of the size of `bytes` and of samples across them, to tell apart large ones of the same size
/// without reading all: 256 samples of 64 KiB, so everything up to 16 MiB.
[[nodiscard]] std::string sampled_sha256(std::string_view bytes);
/// Throws Error{kBadInput} if the file cannot be read.
[[nodiscard]] std::string sha256_file(const std::string& path);

}  // namespace mascing
