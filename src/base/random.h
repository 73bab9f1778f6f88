// A small random generator (xoshiro256** seeded by splitmix64, Blackman and Vigna) with the same
// numbers for every compiler and standard library.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace mascing {

class Rng {
 public:
  explicit Rng(uint64_t seed);

  /// 64 random bits.
  uint64_t next();
  /// Uniform in [0, 1), 53 random bits.
  double uniform();
  /// Standard normal (Box-Muller); equal on all platforms up to the last bit of their log and cos.
  double normal();
  /// Uniform in 0 .. n-1 without bias; 0 if n <= 1.
  int64_t below(int64_t n);

  /// Fisher-Yates.
  template <typename T>
  void shuffle(std::vector<T>& values) {
    for (int64_t i = std::ssize(values) - 1; i > 0; --i) {
      const int64_t j = below(i + 1);
      if (i != j) {
        std::swap(values[i], values[j]);
      }
    }
  }

 private:
  std::array<uint64_t, 4> state_{};
  double spare_ = 0.0;
  bool has_spare_ = false;
};

/// Combines two seeds. Different pairs give unrelated streams, including (a, b) and (b, a).
[[nodiscard]] uint64_t mix_seed(uint64_t a, uint64_t b);

/// The seed of one of several streams of random numbers that one seed gives; `Stream` is an enum.
template <typename Stream>
[[nodiscard]] uint64_t stream_seed(uint64_t seed, Stream stream) {
  return mix_seed(seed, static_cast<uint64_t>(stream));
}

}  // namespace mascing
