// How long work in steps will still take: the forecast of each step, corrected by how long those so
// far took.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

namespace mascing {

class Pace {
 public:
  /// Seconds of each step by the forecast. Replaces an earlier one.
  void expect(std::vector<double> seconds) {
    forecast_ = std::move(seconds);
    total_ = std::accumulate(forecast_.begin(), forecast_.end(), 0.0);
  }
  [[nodiscard]] bool has_forecast() const { return !forecast_.empty(); }

  /// Step `i_step` begins at `now`, in seconds of any clock; the one before ends. One that took
  /// next to nothing of its forecast was read from a cache and tells nothing of the pace.
  void enter(int64_t i_step, double now) {
    const double expected = forecast_of(i_step_);
    if (i_step_ >= 0 && tells(now - start_, expected)) {
      taken_ += now - start_;
      expected_ += expected;
    }
    i_step_ = i_step;
    start_ = now;
  }

  /// Seconds left at `now`. What the current step does takes `part_s` more by its own speed, which
  /// is all of the step if it `ends_step`, and the least of it otherwise. 0 without a forecast.
  [[nodiscard]] double left(double now, double part_s, bool ends_step = false) const {
    const double elapsed = now - start_;
    const double expected = forecast_of(i_step_);
    if (ends_step && part_s > 0.0) {
      const double whole = elapsed + part_s;
      const bool is_told = tells(whole, expected);
      return part_s + later() * (is_told ? factor(taken_ + whole, expected_ + expected)
                                         : factor(taken_, expected_));
    }
    // A step that takes longer than forecast slows down what is to come while it still runs.
    const double pace =
        std::max(factor(taken_, expected_), factor(taken_ + elapsed, expected_ + expected));
    return std::max(pace * expected - elapsed, part_s) + pace * later();
  }

 private:
  /// Whether a step that took so long was done and not read from a cache.
  [[nodiscard]] static bool tells(double taken, double expected) {
    constexpr double kCachedShare = 0.05;
    return taken >= kCachedShare * expected;
  }
  /// Of the steps to come, by the forecast.
  [[nodiscard]] double later() const {
    double sum = 0.0;
    for (int64_t i = i_step_ + 1; i < std::ssize(forecast_); ++i) {
      sum += forecast_[i];
    }
    return sum;
  }
  [[nodiscard]] double forecast_of(int64_t i_step) const {
    return i_step >= 0 && i_step < std::ssize(forecast_) ? forecast_[i_step] : 0.0;
  }
  /// Time taken over time forecast. A thirtieth of the run counts as taken as forecast, so that a
  /// step of a second cannot turn everything over; what really ran soon outweighs a forecast that
  /// was measured in a few seconds.
  [[nodiscard]] double factor(double taken, double expected) const {
    constexpr double kPriorShare = 0.03;
    const double prior = std::max(kPriorShare * total_, 1e-6);
    return (prior + taken) / (prior + expected);
  }

  std::vector<double> forecast_;
  double total_ = 0.0;
  double taken_ = 0.0;     ///< of finished steps that tell of the pace
  double expected_ = 0.0;  ///< the same by the forecast
  double start_ = 0.0;     ///< of the current step
  int64_t i_step_ = -1;
};

/// "about 45 s left", "about 6 min left", "about 2 h 10 min left"; coarse, as a forecast is.
[[nodiscard]] inline std::string time_left_words(double seconds) {
  constexpr double kStep = 5.0;
  if (seconds < 90.0) {
    const double rounded = std::max(kStep, kStep * std::ceil(seconds / kStep));
    return "about " + std::to_string(std::llround(rounded)) + " s left";
  }
  const int64_t n_minute = std::llround(seconds / 60.0);
  if (n_minute < 90) {
    return "about " + std::to_string(n_minute) + " min left";
  }
  const int64_t n_rounded = (n_minute + 5) / 10 * 10;
  const std::string rest = n_rounded % 60 == 0 ? "" : " " + std::to_string(n_rounded % 60) + " min";
  return "about " + std::to_string(n_rounded / 60) + " h" + rest + " left";
}

}  // namespace mascing
