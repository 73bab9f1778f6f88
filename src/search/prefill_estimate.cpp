// See the header.
#include "search/prefill_estimate.h"

#include <cmath>
#include <limits>

namespace mascing {
namespace {

constexpr int64_t kQuarterStep = 4;

}  // namespace

std::vector<double> PrefillEstimator::ask(int64_t i_set, const Steering& steering, Sample sample) {
  const int64_t n = objectives_.sets[i_set].size();
  std::vector<double> all(static_cast<size_t>(n), std::numeric_limits<double>::quiet_NaN());
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

PrefillEstimate PrefillEstimator::estimate(const Steering& steering, Sample sample) {
  PrefillEstimate estimate;
  for (size_t k = 0; k < objectives_.sets.size(); ++k) {
    const OutcomeSet& set = objectives_.sets[k];
    if (!set.has_margin() && set.name != kBenignReplies) {
      continue;
    }
    double sum = 0.0;
    int64_t n = 0;
    for (const double answer : ask(static_cast<int64_t>(k), steering, sample)) {
      if (std::isfinite(answer)) {
        sum += !set.has_margin() ? answer : answer > 0.0 ? 1.0 : 0.0;
        ++n;
      }
    }
    const double mean = n > 0 ? sum / static_cast<double>(n) : 0.0;
    if (set.has_margin()) {
      estimate.rates[set.name] = mean;
    } else {
      estimate.kl_benign = mean;
    }
  }
  return estimate;
}

std::vector<double> PrefillEstimator::target_margins(const Steering& steering, size_t n_row) {
  std::vector<double> margins(n_row, std::numeric_limits<double>::quiet_NaN());
  const std::vector<double> answers = ask(0, steering, Sample::kWhole);
  for (size_t i = 0; i < answers.size(); ++i) {
    margins[objectives_.rows.front()[i]] = answers[i];
  }
  return margins;
}

}  // namespace mascing
