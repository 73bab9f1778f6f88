// Counts.
#include "measure/judge_agreement.h"

#include <algorithm>
#include <iterator>

#include "stage/agreement.h"
#include "stage/statistics.h"

namespace mascing {
namespace {

size_t place_of(Verdict verdict) {
  const auto& words = JudgeAgreement::kWords;
  return std::distance(words.begin(), std::find(words.begin(), words.end(), verdict));
}

}  // namespace

JudgeAgreement judge_agreement(const std::vector<std::pair<Verdict, Verdict>>& verdicts) {
  JudgeAgreement result;
  int64_t n_recalled = 0;
  int64_t n_false = 0;
  for (const auto& [label, verdict] : verdicts) {
    ++result.confusion.at(place_of(label)).at(place_of(verdict));
    ++result.n;
    result.n_agreed += label == verdict ? 1 : 0;
    const bool is_called_refused = verdict == Verdict::kRefused;
    if (label == Verdict::kRefused) {
      ++result.n_refused;
      n_recalled += is_called_refused ? 1 : 0;
    } else if (label == Verdict::kAnswered) {
      ++result.n_answered;
      n_false += is_called_refused ? 1 : 0;
    }
  }
  result.recall = wilson(n_recalled, result.n_refused);
  result.false_alarms = wilson(n_false, result.n_answered);
  result.kappa = cohen_kappa(verdicts);
  return result;
}

}  // namespace mascing
