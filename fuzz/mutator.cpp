// Inputs stay below a size at which one run takes long.
#include "mutator.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace mascing::fuzz {

namespace {

constexpr size_t kMaxBytes = 1U << 16U;
constexpr int64_t kMaxPiece = 64;

constexpr std::array<uint64_t, 14> kNumbers = {0,
                                               1,
                                               2,
                                               7,
                                               0x7F,
                                               0xFF,
                                               0x7FFF,
                                               0xFFFF,
                                               0x7FFFFFFF,
                                               0x80000000,
                                               0xFFFFFFFF,
                                               0x7FFFFFFFFFFFFFFF,
                                               0x8000000000000000,
                                               0xFFFFFFFFFFFFFFFF};

}  // namespace

std::string Mutator::mutate(const std::vector<std::string>& corpus) {
  std::string input = corpus[rng_.below(static_cast<int64_t>(corpus.size()))];
  const int64_t n_change = 1 + rng_.below(rng_.below(2) == 0 ? 2 : 8);
  for (int64_t i = 0; i < n_change; ++i) {
    change(input, corpus);
  }
  input.resize(std::min(input.size(), kMaxBytes));
  return input;
}

size_t Mutator::place(const std::string& input) {
  return static_cast<size_t>(rng_.below(static_cast<int64_t>(input.size())));
}

std::string Mutator::piece(const std::string& input) {
  return input.empty() ? std::string()
                       : input.substr(place(input), static_cast<size_t>(1 + rng_.below(kMaxPiece)));
}

/// Over what is there, or between.
void Mutator::put(std::string& input, const std::string& bytes) {
  const size_t at = input.empty() ? 0 : place(input);
  if (rng_.below(2) == 0) {
    input.insert(at, bytes);
  } else {
    input.replace(at, std::min(bytes.size(), input.size() - at), bytes);
  }
}

void Mutator::set_number(std::string& input) {
  const size_t n_byte = size_t{1} << static_cast<size_t>(rng_.below(4));
  if (input.size() < n_byte) {
    return;
  }
  const size_t at = std::min(place(input), input.size() - n_byte);
  uint64_t number = kNumbers[rng_.below(kNumbers.size())];
  if (rng_.below(3) == 0) {  // near what was there
    std::memcpy(&number, input.data() + at, n_byte);
    number += static_cast<uint64_t>(rng_.below(9)) - 4;
  }
  std::memcpy(input.data() + at, &number, n_byte);
}

void Mutator::change(std::string& input, const std::vector<std::string>& corpus) {
  if (input.empty()) {
    input = corpus[rng_.below(static_cast<int64_t>(corpus.size()))];
    return;
  }
  switch (rng_.below(9)) {
    case 0: {
      const size_t at = place(input);
      input[at] = static_cast<char>(input[at] ^ (1 << rng_.below(8)));
      break;
    }
    case 1:
      input[place(input)] = static_cast<char>(rng_.below(256));
      break;
    case 2:
      set_number(input);
      break;
    case 3:
      input.erase(place(input), static_cast<size_t>(1 + rng_.below(kMaxPiece)));
      break;
    case 4:
      put(input, piece(input));
      break;
    case 5:
      put(input, piece(corpus[rng_.below(static_cast<int64_t>(corpus.size()))]));
      break;
    case 6:
      input.resize(place(input));
      break;
    case 7: {
      const std::string& other = corpus[rng_.below(static_cast<int64_t>(corpus.size()))];
      input = input.substr(0, place(input)) + (other.empty() ? "" : other.substr(place(other)));
      break;
    }
    default:
      put(input,
          words_.empty() ? piece(input) : words_[rng_.below(static_cast<int64_t>(words_.size()))]);
  }
}

}  // namespace mascing::fuzz
