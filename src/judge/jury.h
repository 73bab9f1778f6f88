// Combines several judges. A verdict requires all members that were asked to agree.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "mascing/judge.h"
#include "mascing/progress.h"

namespace mascing {

struct JuryMember {
  std::shared_ptr<Judge> judge;
  std::vector<std::string> sets;  ///< metrics it judges; empty = all
  Progress progress = {};         ///< hears of its work, and may stop it
  bool is_saved = false;          ///< its verdicts outlive the program
  int64_t n_asked = 0;
  int64_t n_failed = 0;
};

/// A reply without a visible part is kEmpty or kUnfinished without asking the members. If two
/// members differ, the verdict is kOther, so the reply counts as neither refused nor answered. If a
/// member fails, there is no verdict.
class Jury : public Judge {
 public:
  /// judge() asks each member about 16 exchanges at a time. It throws Error{kHost} as soon as a
  /// member has failed on more than the share `max_failed` of all that it is to judge (and on more
  /// than a few), because rates over the rest would be biased. Throws
  /// Error{kUsage} without members, or if two have the same name.
  Jury(std::vector<JuryMember> members, double max_failed);

  [[nodiscard]] std::string name() const override;
  [[nodiscard]] std::string key() const override;
  [[nodiscard]] bool is_costly() const override;
  [[nodiscard]] std::vector<Judgement> judge(const std::vector<Exchange>& exchanges) override;
  /// Runs all self-tests and throws the first error.
  void self_test() override;

  [[nodiscard]] const std::vector<JuryMember>& members() const { return members_; }

 private:
  void ask(JuryMember& member,
           const std::vector<Exchange>& exchanges,
           const std::vector<bool>& is_silent,
           std::vector<Judgement>& judgements);
  void require_trust(const JuryMember& member,
                     int64_t n_to_judge,
                     const std::string& last_error) const;

  std::vector<JuryMember> members_;
  double max_failed_;
};

}  // namespace mascing
