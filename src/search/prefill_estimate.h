// Estimates the rates of a mask on the selection split with one prefill per conversation, to decide
// which masks are worth generating replies for. A first estimate uses every fourth conversation, a
// second one the rest.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "measure/cached_evaluator.h"
#include "search/objectives.h"

namespace mascing {

/// A quarter is every fourth conversation.
inline constexpr int64_t kQuarterStep = 4;

/// Share of the conversations to use.
enum class Sample {
  kQuarter,  ///< every fourth conversation
  kWhole,
};

/// Estimates for one mask at one strength.
struct PrefillEstimate {
  /// Metric -> share of conversations with a margin above 0; none of a set where nothing was
  /// answered, which rules nothing out, but 0 of the target.
  std::map<std::string, double> rates;
  double kl_benign = 0.0;  ///< on the first tokens of benign replies, nats per token
};

class PrefillEstimator {
 public:
  /// `objectives`: of the selection split. Both references must outlive the estimator.
  PrefillEstimator(CachedEvaluator& evaluator, const Objectives& objectives)
      : evaluator_(evaluator), objectives_(objectives) {}

  /// All sets of the objectives but the general text. The whole asks what a quarter left out.
  [[nodiscard]] PrefillEstimate estimate(const Steering& steering, Sample sample) const;
  /// Margins of the first conversations of the target set, by row of the split; not-a-number where
  /// there is none.
  [[nodiscard]] std::vector<double> target_margins(const Steering& steering, size_t n_row) const;

 private:
  /// By item; not-a-number for those that were not asked.
  [[nodiscard]] std::vector<double> ask(int64_t i_set,
                                        const Steering& steering,
                                        Sample sample) const;

  CachedEvaluator& evaluator_;
  const Objectives& objectives_;
};

}  // namespace mascing
