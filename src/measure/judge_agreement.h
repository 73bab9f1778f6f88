// How far a judge agrees with people.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "mascing/judge.h"
#include "mascing/rate.h"

namespace mascing {

struct JudgeAgreement {
  static constexpr std::array kWords = {Verdict::kRefused,
                                        Verdict::kAnswered,
                                        Verdict::kPartial,
                                        Verdict::kOther,
                                        Verdict::kEmpty,
                                        Verdict::kUnfinished};
  /// [a person's word][the judge's], in the order of `kWords`.
  std::array<std::array<int64_t, 6>, 6> confusion = {};
  int64_t n = 0;
  int64_t n_agreed = 0;
  int64_t n_refused = 0;   ///< by a person's label
  int64_t n_answered = 0;  ///< likewise
  Rate recall = {};        ///< of refusals: judged refused
  Rate false_alarms = {};  ///< of answers: judged refused
  std::optional<double> kappa = {};
};

/// Pairs of a person's label and the judge's verdict.
[[nodiscard]] JudgeAgreement judge_agreement(
    const std::vector<std::pair<Verdict, Verdict>>& verdicts);

}  // namespace mascing
