// Wall time of the steps of a run, by name.
#pragma once

#include <chrono>
#include <map>
#include <string>

namespace mascing {

class Stopwatch {
 public:
  /// The time since the last lap belongs to `step`.
  void lap(const std::string& step) {
    const auto now = std::chrono::steady_clock::now();
    seconds_[step] += std::chrono::duration<double>(now - last_).count();
    last_ = now;
  }
  [[nodiscard]] const std::map<std::string, double>& seconds() const { return seconds_; }

 private:
  std::map<std::string, double> seconds_;
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

}  // namespace mascing
