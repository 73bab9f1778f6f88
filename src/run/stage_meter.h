// Wall time and tokens of the steps of a run, by name.
#pragma once

#include <array>
#include <chrono>
#include <ctime>
#include <map>
#include <string>

#include "mascing/host.h"
#include "mascing/results.h"

namespace mascing {

/// "2026-03-01T12:00:00Z".
inline std::string utc_now() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  std::array<char, 32> text{};
  (void)std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text.data();
}

class StageMeter {
 public:
  /// The host must outlive the meter. What it has done before was to measure its speed, and to play
  /// scripts.
  explicit StageMeter(const Host& host) : host_(host), before_(host.counters()) {
    if (before_.n_prefill_token > 0) {
      tokens_["preparation"] = {before_.n_prefill_token, before_.n_generated_token};
    }
  }
  /// The time since the last lap, and what the host did in it, belong to `step`.
  void lap(const std::string& step) {
    const auto now = std::chrono::steady_clock::now();
    seconds_[step] += std::chrono::duration<double>(now - last_).count();
    last_ = now;
    const HostCounters after = host_.counters();
    StageTokens& tokens = tokens_[step];
    tokens.n_prefill += after.n_prefill_token - before_.n_prefill_token;
    tokens.n_generated += after.n_generated_token - before_.n_generated_token;
    before_ = after;
  }
  /// Times, tokens and today's date.
  void add_to(Results& results) const {
    results.seconds = seconds_;
    results.stage_tokens = tokens_;
    results.finished_at = utc_now();
  }

 private:
  const Host& host_;
  HostCounters before_;
  std::map<std::string, double> seconds_;
  std::map<std::string, StageTokens> tokens_;
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

}  // namespace mascing
