// Detects repetition by 4-gram counts and by a loop at the end, and compares the likelihood with a
// calibrated limit.
#include "stage/coherence.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <set>

#include "base/numeric.h"
#include "mascing/error.h"
#include "stage/statistics.h"

namespace mascing {
namespace {

constexpr int64_t kGram = 4;

double largest_token_share(const std::vector<int32_t>& tokens) {
  std::map<int32_t, int64_t> count;
  int64_t largest = 0;
  for (const int32_t token : tokens) {
    largest = std::max(largest, ++count[token]);
  }
  return ratio(largest, std::ssize(tokens));
}

double repeated_gram_share(const std::vector<int32_t>& tokens) {
  std::set<std::array<int32_t, kGram>> seen;
  const int64_t n_gram = std::ssize(tokens) - kGram + 1;
  int64_t n_repeated = 0;
  for (int64_t i = 0; i < n_gram; ++i) {
    const bool is_new =
        seen.insert({tokens[i], tokens[i + 1], tokens[i + 2], tokens[i + 3]}).second;
    n_repeated += is_new ? 0 : 1;
  }
  return ratio(n_repeated, n_gram);
}

// Number of tokens at the end of which each equals the one `period` before it, the first round
// included.
int64_t periodic_tail(const std::vector<int32_t>& tokens, int64_t period) {
  const int64_t n_token = std::ssize(tokens);
  int64_t n_equal = 0;
  while (n_equal + period < n_token &&
         tokens[n_token - 1 - n_equal] == tokens[n_token - 1 - n_equal - period]) {
    ++n_equal;
  }
  return n_equal + period;
}

bool ends_in_loop(const std::vector<int32_t>& tokens) {
  const int64_t n_token = std::ssize(tokens);
  for (int64_t period = 1; period <= kMaxLoopPeriod && period < n_token; ++period) {
    if (periodic_tail(tokens, period) >= std::max(kMinLoopToken, kMinLoopRound * period)) {
      return true;
    }
  }
  return false;
}

}  // namespace

bool is_repetitive(const std::vector<int32_t>& tokens) {
  if (std::ssize(tokens) < kMinRepetitiveToken) {
    return false;
  }
  return largest_token_share(tokens) > kMaxTokenShare ||
         repeated_gram_share(tokens) > kMaxRepeatedShare || ends_in_loop(tokens);
}

CoherenceLimit calibrate_coherence(std::vector<double> base_mean_nll) {
  std::erase_if(base_mean_nll, [](double value) { return !std::isfinite(value); });
  if (base_mean_nll.empty()) {
    throw Error(ErrorKind::kInsufficient,
                "[coherence] no reply of the unsteered model has a finite likelihood",
                "check that the model generates replies and the file contains its chat template "
                "and tokenizer");
  }
  std::sort(base_mean_nll.begin(), base_mean_nll.end());
  return {quantile(base_mean_nll, 0.99) + kCoherenceMargin};
}

bool is_coherent(double mean_nll, const std::vector<int32_t>& tokens, const CoherenceLimit& limit) {
  return std::isfinite(mean_nll) && mean_nll <= limit.max_mean_nll && !is_repetitive(tokens);
}

}  // namespace mascing
