// Keeps a call of the host interruptible: shows that it goes on, and ends it where the user, the
// budget or its length ask for it.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "mascing/error.h"
#include "mascing/host.h"

namespace mascing {

/// Thrown where a call of several items would take longer than a piece of work should.
struct TooLong {
  int64_t n_item = 1;  ///< how many to ask for instead: a power of two
};

/// What a call may cost.
struct CallBounds {
  int64_t n_item = 1;       ///< that it asks for
  int64_t n_token = 0;      ///< of all items, about
  bool is_bounded = false;  ///< throw TooLong
  std::function<bool()> is_spent = {};
};

/// Tokens of all requests, each counted once and including cached ones, so a resumed run counts
/// the same as an uninterrupted one. A token that is differentiated counts as three of a prefill.
struct AskedTokens {
  int64_t n_prefill = 0;
  int64_t n_generated = 0;
  [[nodiscard]] int64_t total() const { return n_prefill + n_generated; }
};

/// Questions that are differentiated together; fixed, as kChunk is.
inline constexpr int64_t kGradientChunk = 32;

/// Time after which the speed of a call is looked at, and time that one should take at most.
inline constexpr double kTrialSeconds = 10.0;
inline constexpr double kPieceSeconds = 300.0;

/// Models of this size and more are asked in pieces bounded by time. A piece, like a chunk, can
/// have its own last bits, and what a slow model's are depends on its speed.
inline constexpr int64_t kLargeModelBytes = int64_t{256} << 20;

/// Items [begin, end) of one kind that are asked for in pieces.
struct Pieces {
  std::string kind;
  int64_t begin = 0;
  int64_t end = 0;
};
/// The key in the cache of `n` items from `first` on.
using KeyOf = std::function<std::string(int64_t first, int64_t n)>;

class CallGuard {
 public:
  /// `show` reports progress with a note; false = stop. Everything must outlive the guard.
  CallGuard(Host& host, CallBounds bounds, std::function<bool(const std::string& note)> show);
  ~CallGuard();
  CallGuard(const CallGuard&) = delete;
  CallGuard& operator=(const CallGuard&) = delete;

  /// Returns what `work` returns. Throws BudgetSpent or TooLong where that ended the host's call.
  template <typename Work>
  auto run(Work work) {
    try {
      return work();
    } catch (const Error& error) {
      if (error.kind() == ErrorKind::kInterrupted) {
        throw_reason();
      }
      throw;
    }
  }

 private:
  enum class Reason { kNone, kSpent, kTooLong };

  bool go_on(const HostCounters& so_far);
  [[nodiscard]] bool is_too_long(double seconds, int64_t n_token) const;
  /// For how many items the time is enough, at this speed.
  [[nodiscard]] int64_t shorter(double seconds, int64_t n_token) const;
  void throw_reason() const;

  Host& host_;
  CallBounds bounds_;
  std::function<bool(const std::string&)> show_;
  HostCounters before_;
  HostWatch outer_;
  Reason reason_ = Reason::kNone;
  int64_t n_shorter_ = 1;
};

}  // namespace mascing
