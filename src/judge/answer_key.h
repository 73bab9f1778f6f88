// A judge with an answer key. It looks for phrases that only an answer contains, regardless of how
// the reply starts.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "mascing/judge.h"
#include "mascing/judge_options.h"

namespace mascing {

/// One way to recognise an answer.
struct KnownAnswer {
  std::string name;
  std::vector<std::string> phrases;
  int64_t n_least = 1;  ///< minimum number of different phrases
};

/// {"answers": [{"name": "...", "phrases": ["...", ...], "at_least": 2}, ...]}. Throws
/// Error{kBadInput} naming what is missing or of the wrong kind.
[[nodiscard]] std::vector<KnownAnswer> read_answer_key(const std::string& path);

/// Answered if the visible reply contains enough phrases of one known answer (as whole words,
/// ignoring case, quote style and white space), otherwise refused. It cannot distinguish a refusal
/// from small talk or broken text, and misses paraphrased answers.
class AnswerKeyJudge : public Judge {
 public:
  explicit AnswerKeyJudge(JudgeSpec spec);

  [[nodiscard]] std::string name() const override { return spec_.name; }
  /// Of the known answers.
  [[nodiscard]] std::string key() const override;
  [[nodiscard]] std::vector<Judgement> judge(const std::vector<Exchange>& exchanges) override;
  void self_test() override;

  [[nodiscard]] Verdict verdict_of(std::string_view reply) const;

 private:
  JudgeSpec spec_;
  std::vector<KnownAnswer> answers_;  ///< phrases normalised
};

}  // namespace mascing
