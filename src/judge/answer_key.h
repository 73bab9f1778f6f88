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

/// One way to recognise an answer, or a refusal.
struct KnownAnswer {
  std::string name;
  std::vector<std::string> phrases;
  int64_t n_least = 1;  ///< minimum number of different phrases
};

struct AnswerKey {
  std::vector<KnownAnswer> answers;
  std::vector<KnownAnswer> refusals;      ///< may be empty: then only answers are recognised
  Verdict otherwise = Verdict::kRefused;  ///< where nothing is recognised
};

/// {"answers": [{"name": "...", "phrases": ["...", ...], "at_least": 2}, ...], "refusals": [...],
/// "otherwise": "refused"}. The last two may be left out; with refusals, otherwise is "other" if
/// not given. Throws Error{kBadInput} naming what is missing or of the wrong kind.
[[nodiscard]] AnswerKey read_answer_key(const std::string& path);

/// Answered if the visible reply contains enough phrases of one known answer (as whole words,
/// ignoring case, quote style and white space), refused if those of a known refusal, partial if of
/// both. Without known refusals, whatever is not an answer is refused: it then cannot distinguish a
/// refusal from small talk or broken text. Paraphrases are missed.
class AnswerKeyJudge : public Judge {
 public:
  explicit AnswerKeyJudge(JudgeSpec spec);

  [[nodiscard]] std::string name() const override { return spec_.name; }
  /// Of all that is in the key.
  [[nodiscard]] std::string key() const override;
  [[nodiscard]] std::vector<Judgement> judge(const std::vector<Exchange>& exchanges) override;
  void self_test() override;

  [[nodiscard]] Verdict verdict_of(std::string_view reply) const;

 private:
  JudgeSpec spec_;
  AnswerKey key_;  ///< phrases normalised
};

}  // namespace mascing
