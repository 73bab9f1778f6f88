// Tells the engines of a host whether their call is to go on. libllama asks between the operations
// that the processor computes, we ask between decodes.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <exception>
#include <mutex>
#include <utility>

#include "mascing/host.h"

namespace mascing {

/// Shared by the engines of a host; used from all their threads.
class CallWatch {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::milliseconds kPause{200};

  /// `pause`: time between two questions to the watch, at least.
  explicit CallWatch(std::chrono::milliseconds pause = kPause) : pause_(pause) {}

  /// Not during a call. Returns the watch before.
  HostWatch set(HostWatch watch) { return std::exchange(watch_, std::move(watch)); }
  /// A call begins; `seconds_before`: what earlier ones took.
  void begin(double seconds_before);
  /// Work that is done.
  void add(int64_t n_prefill_token, int64_t n_generated_token);
  /// Whether the call is to end. Once true, it stays true until the next begin(). Does not throw:
  /// an exception of the watch counts as yes and is kept.
  [[nodiscard]] bool is_stopped() noexcept;
  /// The call is to end: something in it has failed.
  void stop() { is_stopped_ = true; }
  /// Throws Error{kInterrupted}, or the exception of the watch, if the call is to end.
  void require_not_stopped();

  /// Is held while the watch is asked; whoever else calls back from an engine's thread holds it,
  /// too.
  [[nodiscard]] std::mutex& mutex() { return mutex_; }

  /// As libllama's abort callback; `self` is a CallWatch.
  static bool on_node(void* self) { return static_cast<CallWatch*>(self)->is_stopped(); }

 private:
  void ask() noexcept;

  std::chrono::milliseconds pause_;
  HostWatch watch_;
  std::mutex mutex_;  ///< of all below but the atomics
  Clock::time_point start_;
  Clock::time_point asked_;
  double seconds_before_ = 0.0;
  std::exception_ptr failure_;
  std::atomic<int64_t> n_prefill_token_ = 0;
  std::atomic<int64_t> n_generated_token_ = 0;
  std::atomic<bool> is_stopped_ = false;
};

}  // namespace mascing
