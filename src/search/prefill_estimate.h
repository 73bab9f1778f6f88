// What one prefill per conversation says of a mask on the selection split: enough to tell which
// masks are worth generating replies for. A first look takes every fourth conversation, a second
// one the rest.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "measure/cached_evaluator.h"
#include "search/objectives.h"

namespace mascing {

/// How many of the conversations are asked.
enum class Look {
  kQuarter,  ///< every fourth one
  kWhole,
};

/// Estimates for one mask at one strength.
struct Screening {
  std::map<std::string, double> rates;  ///< metric -> share of conversations with a margin above 0
  double kl_benign = 0.0;               ///< of the first tokens of benign replies, nats per token
};

class Screen {
 public:
  /// `panel`: of the selection split; must outlive the screen.
  Screen(Bench& bench, const Panel& panel) : bench_(bench), panel_(panel) {}

  /// All sets of the panel but the general text. A whole look asks what a quarter has left out.
  [[nodiscard]] Screening estimate(const Steering& steering, Look look);
  /// Margins of the target set's conversations, by row of the split; not-a-number for the others.
  [[nodiscard]] std::vector<double> target_margins(const Steering& steering, size_t n_row);

 private:
  /// By item; not-a-number for those that were not asked.
  [[nodiscard]] std::vector<double> ask(int64_t i_set, const Steering& steering, Look look);

  Bench& bench_;
  const Panel& panel_;
};

}  // namespace mascing
