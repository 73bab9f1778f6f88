// See the header.
#include "pipeline/screen.h"

#include <cmath>
#include <limits>

namespace mascing {

std::vector<double> Screen::ask(int64_t i_set, const Steering& steering) {
  std::vector<Question> questions;
  for (int64_t i = 0; i < panel_.sets[i_set].size(); ++i) {
    questions.push_back({i_set, i, steering});
  }
  return bench_.outcomes(panel_.sets, panel_.key, questions);
}

Screening Screen::estimate(const Steering& steering) {
  Screening screening;
  for (size_t k = 0; k < panel_.sets.size(); ++k) {
    const OutcomeSet& set = panel_.sets[k];
    if (set.name == kGeneralText) {
      continue;
    }
    double sum = 0.0;
    int64_t n = 0;
    for (const double answer : ask(static_cast<int64_t>(k), steering)) {
      if (std::isfinite(answer)) {
        sum += !set.has_margin() ? answer : answer > 0.0 ? 1.0 : 0.0;
        ++n;
      }
    }
    const double mean = n > 0 ? sum / static_cast<double>(n) : 0.0;
    if (set.has_margin()) {
      screening.rates[set.name] = mean;
    } else {
      screening.kl_benign = mean;
    }
  }
  return screening;
}

std::vector<double> Screen::target_margins(const Steering& steering, size_t n_row) {
  std::vector<double> margins(n_row, std::numeric_limits<double>::quiet_NaN());
  const std::vector<double> answers = ask(0, steering);
  for (size_t i = 0; i < answers.size(); ++i) {
    margins[panel_.rows.front()[i]] = answers[i];
  }
  return margins;
}

}  // namespace mascing
