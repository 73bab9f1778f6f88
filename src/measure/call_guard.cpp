// The speed of the call itself tells how long it will take.
#include "measure/call_guard.h"

#include <algorithm>
#include <utility>

#include "base/numeric.h"
#include "base/text.h"
#include "stage/budget_spent.h"

namespace mascing {
namespace {

constexpr double kPatience = 6.0;         // times kTrialSeconds, where not one decode is done
constexpr double kLeastSeconds = 0.5;     // of a call before its speed is told
constexpr int64_t kUnfinishedWork = 256;  // tokens that count as done then

std::string speed_note(int64_t n_token, double seconds) {
  std::string note = std::to_string(n_token) + " tokens";
  if (n_token > 0 && seconds >= kLeastSeconds) {
    const double speed = to_double(n_token) / seconds;
    note += ", " + format_number(speed, speed < 10.0 ? 1 : 0) + " tokens/s";
  }
  return note;
}

}  // namespace

CallGuard::CallGuard(Host& host,
                     CallBounds bounds,
                     std::function<bool(const std::string& note)> show)
    : host_(host),
      bounds_(std::move(bounds)),
      show_(std::move(show)),
      before_(host.counters()),
      outer_(host.set_watch([this](const HostCounters& so_far) { return go_on(so_far); })) {}

CallGuard::~CallGuard() {
  host_.set_watch(std::move(outer_));
}

bool CallGuard::go_on(const HostCounters& so_far) {
  const double seconds = so_far.seconds - before_.seconds;
  const int64_t n_token = so_far.n_prefill_token + so_far.n_generated_token -
                          before_.n_prefill_token - before_.n_generated_token;
  if ((outer_ && !outer_(so_far)) || !show_(speed_note(n_token, seconds))) {
    return false;
  }
  if (bounds_.is_spent && bounds_.is_spent()) {
    reason_ = Reason::kSpent;
  } else if (is_too_long(seconds, n_token)) {
    n_shorter_ = shorter(seconds, n_token);
    reason_ = Reason::kTooLong;
  }
  return reason_ == Reason::kNone;
}

int64_t CallGuard::shorter(double seconds, int64_t n_token) const {
  const double speed = to_double(n_token > 0 ? n_token : kUnfinishedWork) / seconds;
  const double n_token_of_item =
      std::max(1.0, to_double(bounds_.n_token) / to_double(bounds_.n_item));
  int64_t n = 1;
  while (2 * n <= bounds_.n_item / 2 &&
         to_double(2 * n) * n_token_of_item <= kPieceSeconds * speed) {
    n *= 2;
  }
  return n;
}

bool CallGuard::is_too_long(double seconds, int64_t n_token) const {
  if (!bounds_.is_bounded || bounds_.n_item < 2 || seconds < kTrialSeconds) {
    return false;
  }
  if (n_token == 0) {
    return seconds > kPatience * kTrialSeconds;
  }
  return seconds * ratio(bounds_.n_token, n_token) > kPieceSeconds;
}

void CallGuard::throw_reason() const {
  if (reason_ == Reason::kSpent) {
    throw BudgetSpent();
  }
  if (reason_ == Reason::kTooLong) {
    throw TooLong{n_shorter_};
  }
}

}  // namespace mascing
