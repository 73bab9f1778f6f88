// Timing in turns, and what the system says of this process's memory.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace mascing {

struct Contender {
  std::string name;
  std::function<void()> run;
  std::function<void()> prepare = [] {};  ///< before the clock starts
  std::vector<double> seconds = {};
};

/// Runs all contenders in turns, each round beginning with another, after one round to warm up, and
/// prints a row for each; the first is the measure of the rest. `n_token`: what a run gets through.
void race(const std::string& title, std::vector<Contender> all, int64_t n_token, int64_t n_round);

/// Megabytes under a name of /proc/self/status, such as "VmRSS:".
[[nodiscard]] double memory_mb(const std::string& name);
/// Makes VmHWM count from now on.
void forget_peak();

}  // namespace mascing
