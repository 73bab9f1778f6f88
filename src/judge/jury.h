// Several judges as one: a verdict stands where all who were asked agree.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "mascing/judge.h"

namespace mascing {

struct JuryMember {
  std::shared_ptr<Judge> judge;
  std::vector<std::string> sets;  ///< metrics it is asked about; empty: all
  int64_t n_asked = 0;
  int64_t n_failed = 0;
};

/// An empty visible reply is kEmpty, and nobody is asked. Where two members differ the verdict is
/// kOther: such a reply is neither refused nor answered to anybody's satisfaction. Where a member
/// fails, there is no verdict.
class Jury : public Judge {
 public:
  /// A member that fails on more than the share `max_failed` of what it is asked (and on more than
  /// a few) makes judge() throw Error{kHost}: rates over what is left would be biased. Throws
  /// Error{kUsage} if there is no member, or two have one name.
  Jury(std::vector<JuryMember> members, double max_failed);

  [[nodiscard]] std::string name() const override;
  [[nodiscard]] std::string key() const override;
  [[nodiscard]] bool is_costly() const override;
  [[nodiscard]] std::vector<Judgement> judge(const std::vector<Exchange>& exchanges) override;
  /// Every member's; the error is the first one's that fails.
  void self_test() override;

  [[nodiscard]] const std::vector<JuryMember>& members() const { return members_; }

 private:
  void ask(JuryMember& member,
           const std::vector<Exchange>& exchanges,
           std::vector<Judgement>& judgements);
  void require_trust(const JuryMember& member, const std::string& last_error) const;

  std::vector<JuryMember> members_;
  double max_failed_;
};

}  // namespace mascing
