// One thread asks at a time; the others go on with the last answer.
#include "host/llama/call_watch.h"

#include <utility>

#include "mascing/error.h"

namespace mascing {

void CallWatch::begin(double seconds_before) {
  const std::lock_guard<std::mutex> lock(mutex_);
  seconds_before_ = seconds_before;
  start_ = Clock::now();
  asked_ = start_ - pause_;
  failure_ = nullptr;
  is_stopped_ = false;
}

void CallWatch::add(int64_t n_prefill_token, int64_t n_generated_token) {
  n_prefill_token_ += n_prefill_token;
  n_generated_token_ += n_generated_token;
}

bool CallWatch::is_stopped() noexcept {
  if (watch_ && !is_stopped_) {
    ask();
  }
  return is_stopped_;
}

void CallWatch::ask() noexcept {
  const std::unique_lock<std::mutex> lock(mutex_, std::try_to_lock);
  const Clock::time_point now = Clock::now();
  if (!lock.owns_lock() || is_stopped_ || now - asked_ < pause_) {
    return;
  }
  asked_ = now;
  try {
    const std::chrono::duration<double> in_call = now - start_;
    if (!watch_({n_prefill_token_, n_generated_token_, seconds_before_ + in_call.count()})) {
      is_stopped_ = true;
    }
  } catch (...) {
    failure_ = std::current_exception();
    is_stopped_ = true;
  }
}

void CallWatch::require_not_stopped() {
  if (!is_stopped()) {
    return;
  }
  const std::lock_guard<std::mutex> lock(mutex_);
  if (failure_) {
    std::rethrow_exception(failure_);
  }
  throw Error(ErrorKind::kInterrupted,
              "[host] stopped on request",
              "finished work is saved; run the same command again to resume");
}

}  // namespace mascing
