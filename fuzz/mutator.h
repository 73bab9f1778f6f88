// Changes inputs at random: bits, bytes, numbers, pieces moved, cut, doubled, words of the format
// put in, two inputs joined.
#pragma once

#include <string>
#include <vector>

#include "base/random.h"

namespace mascing::fuzz {

class Mutator {
 public:
  Mutator(uint64_t seed, std::vector<std::string> words) : rng_(seed), words_(std::move(words)) {}

  /// One to eight changes of an input of `corpus`, which must not be empty.
  [[nodiscard]] std::string mutate(const std::vector<std::string>& corpus);

 private:
  void change(std::string& input, const std::vector<std::string>& corpus);
  [[nodiscard]] size_t place(const std::string& input);
  [[nodiscard]] std::string piece(const std::string& input);
  void set_number(std::string& input);
  void put(std::string& input, const std::string& bytes);

  Rng rng_;
  std::vector<std::string> words_;
};

}  // namespace mascing::fuzz
