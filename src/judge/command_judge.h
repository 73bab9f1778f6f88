// A user-provided judge: a program that reads exchanges as JSON lines and writes one verdict per
// line.
#pragma once

#include "judge/judge_watch.h"
#include "judge/known_exchanges.h"
#include "mascing/judge.h"
#include "mascing/judge_options.h"

namespace mascing {

/// The program is started once per 16 exchanges. It reads
///   {"id": "0", "messages": [{"role", "content"}...], "reply": "...", "set": "dsr"}
/// per line and writes, in the same order, {"id": "0", "verdict": "refused"} or the bare word:
/// refused (safe), answered (unsafe), other. If it runs too long, ends with an exit code other than
/// 0, or writes a different number of lines, none of its verdicts count.
class CommandJudge : public Judge {
 public:
  /// Throws Error{kUsage} if the command is empty.
  explicit CommandJudge(JudgeSpec spec, JudgeWatch watch = {});

  [[nodiscard]] std::string name() const override { return spec_.name; }
  /// Hash of the command line and the content of the files it names.
  [[nodiscard]] std::string key() const override;
  [[nodiscard]] bool is_costly() const override { return true; }
  [[nodiscard]] std::vector<Judgement> judge(const std::vector<Exchange>& exchanges) override;
  void self_test() override;

 private:
  void judge_some(const Exchange* first, size_t n, Judgement* judgements) const;

  JudgeSpec spec_;
  JudgeWatch watch_;
};

}  // namespace mascing
