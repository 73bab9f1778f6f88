// Stage "agreement": how far judges agree beyond chance.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "mascing/conversation.h"
#include "mascing/judges_result.h"
#include "stage/ask.h"
#include "stage/evaluate.h"

namespace mascing {

/// Cohen's kappa of paired verdicts: (observed - expected) / (1 - expected) agreement, the latter
/// from the verdict frequencies of each judge (J. Cohen, 1960). Empty without pairs, or if both
/// judges always give the same verdict, since kappa is then undefined.
[[nodiscard]] std::optional<double> cohen_kappa(
    const std::vector<std::pair<Verdict, Verdict>>& verdicts);

/// Collects the verdicts of jury members set by set.
class AgreementCount {
 public:
  /// `replies` and `judged` belong to the first of `rows`; `side` is "base" or "steered".
  void add(const std::string& metric,
           const std::string& side,
           const std::vector<AskedReply>& replies,
           const std::vector<JudgedReply>& judged);
  /// One reply; `reply` is as in `Disagreement`, its verdicts are filled in.
  void add(Disagreement reply, const std::vector<Opinion>& opinions);
  /// Fills in everything except the members.
  void write(JudgesResult& result) const;

 private:
  void add_pair(const Opinion& a, const Opinion& b);

  std::map<std::pair<std::string, std::string>, std::vector<std::pair<Verdict, Verdict>>> pairs_;
  std::vector<std::pair<std::string, std::string>> order_;  ///< pairs in order of first occurrence
  std::vector<Disagreement> disagreements_;
  int64_t n_disagreement_ = 0;
};

}  // namespace mascing
