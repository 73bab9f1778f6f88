// Judges a reply by the grammar of refusing: phrases in its first sentences in which the assistant
// says what it does not do, or judges the request instead of answering it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "judge/phrase_matcher.h"
#include "mascing/judge.h"
#include "mascing/judge_options.h"

namespace mascing {

/// A verdict and what it rests on.
struct PhraseFinding {
  Verdict verdict = Verdict::kAnswered;
  std::string rule = {};   ///< names of the rules that decided, empty for a plain answer
  std::string words = {};  ///< the words they matched, in the spelling they were read in
  size_t n_byte = 0;       ///< of the visible reply
  size_t n_byte_read = 0;
};

class PhraseJudge : public Judge {
 public:
  /// `refusal_prefixes` of the options refuse, too. Throws Error{kUsage} for one without a letter.
  explicit PhraseJudge(const JudgeOptions& options);

  /// With `answer_prefixes`, a reply that is neither refused nor partial must begin with one of
  /// them or is kOther.
  [[nodiscard]] PhraseFinding find(std::string_view reply,
                                   const std::vector<std::string>& answer_prefixes = {});

  [[nodiscard]] std::string name() const override { return "phrases"; }
  [[nodiscard]] std::string key() const override;
  [[nodiscard]] std::vector<Judgement> judge(const std::vector<Exchange>& exchanges) override;
  /// Judges known replies and the user's own prefixes. Throws Error{kUsage} naming the first reply
  /// that is judged wrongly.
  void self_test() override;

 private:
  std::vector<std::string> prefixes_;  // normalised
  PhraseMatcher matcher_;
};

}  // namespace mascing
