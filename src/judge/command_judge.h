// A judge of the user's own: a program that reads exchanges as JSON lines and writes one verdict a
// line.
#pragma once

#include "judge/known_exchanges.h"
#include "mascing/judge.h"
#include "mascing/judge_options.h"

namespace mascing {

/// For every 16 exchanges the program is started once. It reads
///   {"id": "0", "messages": [{"role", "content"}...], "reply": "...", "set": "dsr"}
/// a line and writes, in the same order, {"id": "0", "verdict": "refused"} or the bare word:
/// refused (safe), answered (unsafe), other. If it runs too long, ends with an exit code other than
/// 0, or writes another number of lines, none of its verdicts count.
class CommandJudge : public Judge {
 public:
  /// Throws Error{kUsage} if no program is named.
  explicit CommandJudge(JudgeSpec spec);

  [[nodiscard]] std::string name() const override { return spec_.name; }
  /// Of the command line and the content of those of its words that are files.
  [[nodiscard]] std::string key() const override;
  [[nodiscard]] bool is_costly() const override { return true; }
  [[nodiscard]] std::vector<Judgement> judge(const std::vector<Exchange>& exchanges) override;
  void self_test() override;

 private:
  void judge_some(const Exchange* first, size_t n, Judgement* judgements) const;

  JudgeSpec spec_;
};

}  // namespace mascing
