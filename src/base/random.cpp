// xoshiro256** and splitmix64 as their authors publish them (prng.di.unimi.it, public domain).
#include "base/random.h"

#include <bit>
#include <cmath>
#include <numbers>

namespace mascing {

namespace {

uint64_t splitmix64(uint64_t& state) {
  state += 0x9E3779B97F4A7C15ULL;
  uint64_t z = state;
  z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9ULL;
  z = (z ^ (z >> 27U)) * 0x94D049BB133111EBULL;
  return z ^ (z >> 31U);
}

}  // namespace

Rng::Rng(uint64_t seed) {
  for (uint64_t& word : state_) {
    word = splitmix64(seed);
  }
}

uint64_t Rng::next() {
  const uint64_t result = std::rotl(state_[1] * 5U, 7) * 9U;
  const uint64_t shifted = state_[1] << 17U;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= shifted;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

double Rng::uniform() {
  return static_cast<double>(next() >> 11U) * 0x1p-53;
}

double Rng::normal() {
  if (has_spare_) {
    has_spare_ = false;
    return spare_;
  }
  const double radius = std::sqrt(-2.0 * std::log(1.0 - uniform()));
  const double angle = 2.0 * std::numbers::pi * uniform();
  spare_ = radius * std::sin(angle);
  has_spare_ = true;
  return radius * std::cos(angle);
}

int64_t Rng::below(int64_t n) {
  if (n <= 1) {
    return 0;
  }
  const uint64_t range = n;
  // The first 2^64 mod n values would make small results more frequent: draw again.
  const uint64_t first_fair = (0 - range) % range;
  uint64_t bits = next();
  while (bits < first_fair) {
    bits = next();
  }
  return static_cast<int64_t>(bits % range);
}

uint64_t mix_seed(uint64_t a, uint64_t b) {
  uint64_t state = a;
  const uint64_t first = splitmix64(state);
  state = first ^ std::rotl(b, 32);
  return splitmix64(state);
}

}  // namespace mascing
