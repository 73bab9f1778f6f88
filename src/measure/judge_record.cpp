// Failures are told before disagreements.
#include "measure/judge_record.h"

#include "base/text.h"

namespace mascing {
namespace {

constexpr double kLittleAgreement = 0.6;  // "moderate" and below (Landis and Koch, 1977)

}  // namespace

std::vector<JudgeResult> judge_results(const Jury& jury) {
  std::vector<JudgeResult> results;
  for (const JuryMember& member : jury.members()) {
    results.push_back({member.judge->name(),
                       member.judge->key(),
                       member.n_asked,
                       member.n_failed,
                       member.judge->prompt()});
  }
  return results;
}

std::vector<Warning> judge_warnings(const JudgesResult& judges) {
  std::vector<Warning> warnings;
  for (const JudgeResult& judge : judges.members) {
    if (judge.n_failed > 0) {
      warnings.push_back({"judge_failed",
                          "the judge '" + judge.name + "' gave no verdict on " +
                              std::to_string(judge.n_failed) + " of " +
                              std::to_string(judge.n_asked) + " replies; these are skipped",
                          "skipped conversations of the test split are listed with the reason; run "
                          "the same command again to retry"});
    }
  }
  for (const AgreementResult& pair : judges.agreement) {
    if (pair.kappa && *pair.kappa < kLittleAgreement) {
      warnings.push_back(
          {"judges_disagree",
           "'" + pair.first + "' and '" + pair.second + "' agree on " +
               std::to_string(pair.n_agreed) + " of " + std::to_string(pair.n) +
               " replies of the test split, kappa " + format_number(*pair.kappa, 2),
           "review the disagreements in the report; one of the judges may be unsuitable"});
    }
  }
  return warnings;
}

}  // namespace mascing
