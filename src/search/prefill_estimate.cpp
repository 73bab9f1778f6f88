// The quarter is always asked in a batch of its own, so that an estimate of the whole finds its
// answers in the cache.
#include "search/prefill_estimate.h"

#include <cmath>
#include <limits>
#include <optional>

#include "base/numeric.h"

namespace mascing {
namespace {

constexpr double kNotAsked = std::numeric_limits<double>::quiet_NaN();

/// Mean of what was answered: of the values as they are, or of whether they are above 0. Nothing if
/// nothing was.
std::optional<double> mean_answer(const std::vector<double>& answers, bool are_margins) {
  double sum = 0.0;
  int64_t n = 0;
  for (const double answer : answers) {
    if (std::isfinite(answer)) {
      sum += !are_margins ? answer : answer > 0.0 ? 1.0 : 0.0;
      ++n;
    }
  }
  return n > 0 ? std::optional(sum / to_double(n)) : std::nullopt;
}

}  // namespace

std::vector<double> PrefillEstimator::ask(int64_t i_set,
                                          const Steering& steering,
                                          Sample sample) const {
  const int64_t n = objectives_.sets[i_set].size();
  std::vector<double> all(n, kNotAsked);
  for (const bool of_quarter : {true, false}) {
    std::vector<Question> questions;
    for (int64_t i = 0; i < n; ++i) {
      if ((i % kQuarterStep == 0) == of_quarter) {
        questions.push_back({i_set, i, steering});
      }
    }
    if (questions.empty() || (!of_quarter && sample == Sample::kQuarter)) {
      continue;
    }
    const std::vector<double> answers =
        evaluator_.outcomes(objectives_.sets, objectives_.key, questions);
    for (size_t k = 0; k < questions.size(); ++k) {
      all[questions[k].i_item] = answers[k];
    }
  }
  return all;
}

PrefillEstimate PrefillEstimator::estimate(const Steering& steering, Sample sample) const {
  PrefillEstimate estimate;
  for (int64_t k = 0; k < std::ssize(objectives_.sets); ++k) {
    const OutcomeSet& set = objectives_.sets[k];
    if (!set.has_margin() && set.name != kBenignReplies) {
      continue;
    }
    const auto mean = mean_answer(ask(k, steering, sample), set.has_margin());
    const bool is_target = k == 0;
    if (set.has_margin() && (mean || is_target)) {
      estimate.rates[set.name] = mean.value_or(0.0);
    } else if (!set.has_margin()) {
      estimate.kl_benign = mean.value_or(0.0);
    }
  }
  return estimate;
}

std::vector<double> PrefillEstimator::target_margins(const Steering& steering, size_t n_row) const {
  std::vector<double> margins(n_row, kNotAsked);
  const std::vector<double> answers = ask(0, steering, Sample::kWhole);
  for (size_t i = 0; i < answers.size(); ++i) {
    const size_t i_row = objectives_.rows.front()[i];
    if (i_row < n_row) {
      margins[i_row] = answers[i];
    }
  }
  return margins;
}

}  // namespace mascing
