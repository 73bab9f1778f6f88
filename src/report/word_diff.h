// Which words of two texts the other one does not have: the longest common subsequence of words is
// what they share.
#pragma once

#include <string>
#include <vector>

namespace mascing {

/// true: the word is not among those that both texts have in the same order.
struct WordMarks {
  std::vector<bool> left;
  std::vector<bool> right;
};

/// Texts of more than 4 million pairs of words are not compared: nothing is marked.
[[nodiscard]] WordMarks differing_words(const std::vector<std::string>& left,
                                        const std::vector<std::string>& right);

}  // namespace mascing
