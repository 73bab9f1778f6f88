// How the judges of a run did: what each was asked, and where they differ.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace mascing {

struct JudgeResult {
  std::string name;
  std::string settings;  ///< SHA-256 of all its verdicts depend on
  int64_t n_asked = 0;   ///< in the whole run
  int64_t n_failed = 0;
};

/// Two judges on the replies of the test split that both gave a verdict on, base and steered.
struct AgreementResult {
  std::string first;
  std::string second;
  int64_t n = 0;
  int64_t n_agreed = 0;
  std::optional<double> kappa;  ///< Cohen's; none if both said one and the same word throughout
};

/// One reply of the test split, or one that was collected, that the judges see differently.
struct Disagreement {
  std::string metric;
  std::string id;    ///< of the conversation
  std::string side;  ///< "base", "steered" or "played"
  std::string reply;
  std::map<std::string, std::string> verdicts;  ///< judge -> word
};

struct JudgesResult {
  std::vector<JudgeResult> members;
  std::vector<AgreementResult> agreement;  ///< every pair of members
  int64_t n_disagreement = 0;
  std::vector<Disagreement> disagreements;  ///< the first 100
};

}  // namespace mascing
