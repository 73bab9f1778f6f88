// Sorting makes prompts with a common prefix adjacent. The prefix lengths of neighbours fully
// describe the tree.
#include "host/llama/prefix_plan.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace mascing {
namespace {

int64_t common_head(const PlannedPrompt& a, const PlannedPrompt& b) {
  if (a.group != b.group || a.group == PlannedPrompt::kAlone) {
    return 0;
  }
  const int64_t n = std::min(a.n_token, b.n_token);
  return std::mismatch(a.tokens, a.tokens + n, b.tokens).first - a.tokens;
}

bool comes_before(const PlannedPrompt& a, const PlannedPrompt& b) {
  if (a.group != b.group) {
    return a.group < b.group;
  }
  return std::lexicographical_compare(
      a.tokens, a.tokens + a.n_token, b.tokens, b.tokens + b.n_token);
}

}  // namespace

PrefixPlan::PrefixPlan(std::vector<PlannedPrompt> prompts)
    : prompts_(std::move(prompts)), order_(prompts_.size()), n_shared_(prompts_.size(), 0) {
  std::iota(order_.begin(), order_.end(), int64_t{0});
  std::stable_sort(order_.begin(), order_.end(), [this](int64_t a, int64_t b) {
    return comes_before(prompts_[a], prompts_[b]);
  });
  for (size_t i = 1; i < order_.size(); ++i) {
    n_shared_[i] = common_head(prompts_[order_[i - 1]], prompts_[order_[i]]);
  }
}

int64_t PrefixPlan::n_own(int64_t place) const {
  return prompts_[order_[place]].n_token - n_shared_[place];
}

int64_t PrefixPlan::end_of_sharers(int64_t place, int64_t n_token, int64_t end) const {
  int64_t i = place + 1;
  while (i < end && n_shared_[i] >= n_token) {
    ++i;
  }
  return std::min(i, end);
}

Wave PrefixPlan::wave(int64_t begin, const WaveLimits& limits) const {
  Wave wave{begin, begin + 1, n_shared_[begin], {0}};
  const int64_t n_first = n_own(begin);
  const int64_t n_decode = std::max<int64_t>(1, (n_first + limits.n_batch - 1) / limits.n_batch);
  const int64_t n_most = std::min(n_decode * limits.n_batch, limits.n_cell - wave.n_kept);
  int64_t n_token = n_first;
  for (; wave.end < size() && n_token + n_own(wave.end) <= n_most; ++wave.end) {
    const bool goes_on = n_shared_[wave.end] == prompts_[order_[wave.end - 1]].n_token;
    const int32_t sequence = wave.sequences.back() + (goes_on ? 0 : 1);
    if (sequence >= limits.n_sequence) {
      break;
    }
    wave.sequences.push_back(sequence);
    n_token += n_own(wave.end);
  }
  return wave;
}

}  // namespace mascing
