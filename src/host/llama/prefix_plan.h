// Orders prompts for prefill so that shared prefixes are computed once. Sorted by tokens, prompts
// are the leaves of a prefix tree, visited from left to right. Independent of libllama.
#pragma once

#include <cstdint>
#include <vector>

namespace mascing {

/// A prompt to prefill.
struct PlannedPrompt {
  static constexpr int64_t kAlone = -1;

  const int32_t* tokens = nullptr;  ///< [n_token], not owned
  int64_t n_token = 0;
  int64_t group = 0;  ///< only prompts of one group may share what was computed; kAlone: with none
};

/// What the cache has room for.
struct WaveLimits {
  int64_t n_sequence = 1;  ///< sequences at once
  int64_t n_cell = 0;      ///< tokens in the cache
  int64_t n_batch = 1;     ///< tokens of one decode
};

/// Prompts that are in the cache together: places [begin, end) of the plan.
struct Wave {
  int64_t begin = 0;
  int64_t end = 0;
  int64_t n_kept = 0;  ///< leading tokens that stay in the cache from the place before `begin`
  /// [end - begin] which sequence holds a place's tokens; rising. A prompt that the next one begins
  /// with has that one's.
  std::vector<int32_t> sequences;
};

/// Places are numbered in the order of the plan. The prompts' tokens must outlive it.
class PrefixPlan {
 public:
  explicit PrefixPlan(std::vector<PlannedPrompt> prompts);

  [[nodiscard]] int64_t size() const { return std::ssize(order_); }
  /// Index of the prompt that stands at a place.
  [[nodiscard]] int64_t prompt(int64_t place) const { return order_[place]; }
  /// Tokens at the head of a place that the place before it begins with, too. The rest are its own:
  /// no place before it has them.
  [[nodiscard]] int64_t n_shared(int64_t place) const { return n_shared_[place]; }
  /// First place behind `place`, at most `end`, that does not begin with its first n_token tokens.
  [[nodiscard]] int64_t end_of_sharers(int64_t place, int64_t n_token, int64_t end) const;
  /// The wave that starts at `begin`: as many places as the limits allow, whose own tokens fill
  /// whole decodes as far as they go; never less than one place.
  [[nodiscard]] Wave wave(int64_t begin, const WaveLimits& limits) const;

 private:
  [[nodiscard]] int64_t n_own(int64_t place) const;

  std::vector<PlannedPrompt> prompts_;
  std::vector<int64_t> order_;
  std::vector<int64_t> n_shared_;
};

}  // namespace mascing
