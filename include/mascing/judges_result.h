// Statistics of the judges of a run and their agreement.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace mascing {

struct JudgeResult {
  std::string name;
  std::string settings;  ///< SHA-256 of everything its verdicts depend on
  int64_t n_asked = 0;   ///< number of replies in the whole run
  int64_t n_failed = 0;
  std::string prompt = {};  ///< of a judge that is asked in words
};

/// Agreement of two judges on base and steered replies of the test split that both judged.
struct AgreementResult {
  std::string first;
  std::string second;
  int64_t n = 0;
  int64_t n_agreed = 0;
  std::optional<double> kappa;  ///< Cohen's kappa; none if both always gave the same verdict
};

/// A reply of the test split, or a collected one, on which judges disagree.
struct Disagreement {
  std::string metric;
  std::string id;    ///< id of the conversation
  std::string side;  ///< "base", "steered" or "played"
  std::string reply;
  std::map<std::string, std::string> verdicts;  ///< judge -> verdict
};

struct JudgesResult {
  std::vector<JudgeResult> members;
  std::vector<AgreementResult> agreement;  ///< one per pair of judges
  int64_t n_disagreement = 0;
  std::vector<Disagreement> disagreements;  ///< the first 100
};

}  // namespace mascing
