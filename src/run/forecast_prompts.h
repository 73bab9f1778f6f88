// Prompts and parts of prompts, for whoever measures how long a host takes for them.
#pragma once

#include <algorithm>
#include <chrono>
#include <vector>

#include "base/numeric.h"
#include "mascing/host.h"

namespace mascing {

template <typename Work>
[[nodiscard]] double seconds_of(const Work& work) {
  constexpr double kLeastSeconds = 1e-6;
  const auto start = std::chrono::steady_clock::now();
  work();
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  return std::max(kLeastSeconds, elapsed.count());
}

/// The first `n` prompts, or all.
[[nodiscard]] inline std::vector<Prompt> first_of(const std::vector<Prompt>& prompts, double n) {
  const auto n_taken =
      std::clamp<int64_t>(static_cast<int64_t>(std::min(n, 1e6)), 1, std::ssize(prompts));
  return {prompts.begin(), prompts.begin() + n_taken};
}

[[nodiscard]] inline double n_token_of(const std::vector<Prompt>& prompts) {
  double n = 0.0;
  for (const Prompt& prompt : prompts) {
    n += to_double(std::ssize(prompt.tokens));
  }
  return n;
}

/// The first `n` tokens of a prompt, at least one.
[[nodiscard]] inline Prompt beginning_of(const Prompt& prompt, double n) {
  Prompt part = prompt;
  const auto n_kept =
      std::clamp<int64_t>(static_cast<int64_t>(std::min(n, 1e6)), 1, std::ssize(prompt.tokens));
  part.tokens.resize(n_kept);
  return part;
}

/// Its last `n` tokens, at least one.
[[nodiscard]] inline Prompt end_of(const Prompt& prompt, double n) {
  const int64_t n_kept = std::ssize(beginning_of(prompt, n).tokens);
  const int64_t n_left_out = std::ssize(prompt.tokens) - n_kept;
  Prompt part = prompt;
  part.tokens.erase(part.tokens.begin(), part.tokens.begin() + n_left_out);
  part.final_user.begin = std::clamp<int64_t>(prompt.final_user.begin - n_left_out, 0, n_kept - 1);
  part.final_user.end = std::clamp<int64_t>(prompt.final_user.end - n_left_out, 1, n_kept);
  return part;
}

}  // namespace mascing
