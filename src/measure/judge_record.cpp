// Members, and two warnings.
#include "measure/judge_record.h"

#include "base/text.h"

namespace mascing {
namespace {

constexpr double kLittleAgreement = 0.6;  // "moderate" and below (Landis and Koch, 1977)

}  // namespace

void record_judges(const Jury& jury, Results& results) {
  for (const JuryMember& member : jury.members()) {
    const std::string name = member.judge->name();
    results.judges.members.push_back({name, member.judge->key(), member.n_asked, member.n_failed});
    if (member.n_failed > 0) {
      results.warnings.push_back(
          {"judge_failed",
           "the judge '" + name + "' gave no verdict on " + std::to_string(member.n_failed) +
               " of " + std::to_string(member.n_asked) + " replies; they are left out",
           "those of the test split are listed under the skipped ones, with "
           "the reason; the same command asks about them again"});
    }
  }
  for (const AgreementResult& pair : results.judges.agreement) {
    if (pair.kappa && *pair.kappa < kLittleAgreement) {
      results.warnings.push_back(
          {"judges_disagree",
           "'" + pair.first + "' and '" + pair.second + "' agree on " +
               std::to_string(pair.n_agreed) + " of " + std::to_string(pair.n) +
               " replies of the test split, kappa " + format_number(*pair.kappa, 2),
           "read the disagreements in the report: one of the two does not see what you mean"});
    }
  }
}

}  // namespace mascing
