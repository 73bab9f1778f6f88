// Parses a number followed by a unit.
#include "mascing/budget.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/numeric.h"
#include "base/text.h"
#include "mascing/error.h"

namespace mascing {
namespace {

constexpr double kMost = 1e15;

/// Size of a unit; 0 if unknown. Case is ignored.
double worth_of(const std::string& unit, bool& is_time) {
  is_time = true;
  if (unit == "s" || unit == "sec") {
    return 1.0;
  }
  if (unit == "m" || unit == "min") {
    return 60.0;
  }
  if (unit == "h") {
    return 3600.0;
  }
  is_time = false;
  if (unit == "tokens") {
    return 1.0;
  }
  if (unit == "ktokens") {
    return 1e3;
  }
  return unit == "mtokens" ? 1e6 : 0.0;
}

}  // namespace

double Budget::share_spent(double elapsed_seconds, int64_t n_asked_token) const {
  if (seconds > 0.0) {
    return elapsed_seconds / seconds;
  }
  return ratio_or_zero(n_asked_token, n_token);
}

Budget parse_budget(const std::string& text) {
  std::string plain;
  for (const char c : to_lower_ascii(text)) {
    if (c != ' ') {
      plain += c;
    }
  }
  double number = 0.0;
  const char* end = plain.data() + plain.size();
  const auto [stop, failure] = std::from_chars(plain.data(), end, number);
  bool is_time = false;
  const double worth = worth_of(std::string(stop, end), is_time);
  const double amount = number * worth;
  if (failure != std::errc{} || worth == 0.0 || !(amount > 0.0) || amount > kMost) {
    throw Error(ErrorKind::kUsage,
                "[budget] \"" + printable(text) + "\" is neither a time nor a number of tokens",
                "use a form such as --budget 90s, 10m, 1.5h, \"200k tokens\" or \"2M tokens\"");
  }
  Budget budget;
  if (is_time) {
    budget.seconds = amount;
  } else {
    budget.n_token = std::max<int64_t>(1, std::llround(amount));
  }
  return budget;
}

}  // namespace mascing
