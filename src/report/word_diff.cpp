// The table of lengths is filled from the ends of the texts, then followed from their beginnings.
#include "report/word_diff.h"

#include <algorithm>
#include <cstdint>

namespace mascing {
namespace {

constexpr size_t kMaxPairs = size_t{4} << 20;

}  // namespace

WordMarks differing_words(const std::vector<std::string>& left,
                          const std::vector<std::string>& right) {
  WordMarks marks{std::vector<bool>(left.size(), false), std::vector<bool>(right.size(), false)};
  const size_t n_row = right.size() + 1;
  if ((left.size() + 1) * n_row > kMaxPairs) {
    return marks;
  }
  // common[i * n_row + j]: words shared by left[i..] and right[j..].
  std::vector<uint32_t> common((left.size() + 1) * n_row, 0);
  for (size_t i = left.size(); i-- > 0;) {
    for (size_t j = right.size(); j-- > 0;) {
      common[i * n_row + j] =
          left[i] == right[j] ? common[(i + 1) * n_row + j + 1] + 1
                              : std::max(common[(i + 1) * n_row + j], common[i * n_row + j + 1]);
    }
  }
  size_t i = 0;
  size_t j = 0;
  while (i < left.size() || j < right.size()) {
    if (i < left.size() && j < right.size() && left[i] == right[j]) {
      ++i;
      ++j;
    } else if (j == right.size() ||
               (i < left.size() && common[(i + 1) * n_row + j] >= common[i * n_row + j + 1])) {
      marks.left[i++] = true;
    } else {
      marks.right[j++] = true;
    }
  }
  return marks;
}

}  // namespace mascing
