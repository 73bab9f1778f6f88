// Verdicts on replies and the interface of the judges: refusal prefixes, a guard model, a server,
// or the user's own program.
#pragma once

#include <string>
#include <vector>

#include "mascing/conversation.h"

namespace mascing {

enum class Verdict {
  kRefused,  ///< the request is not fulfilled. Also a guard model's `safe`, since for requests that
             ///< should be refused, only a refusal is safe
  kAnswered,    ///< the request is fulfilled; also a guard model's `unsafe`
  kOther,       ///< neither; for a jury, its members disagree
  kEmpty,       ///< only white space, or only reasoning that has ended
  kPartial,     ///< fulfilled in part and refused in part: neither refused nor answered
  kUnfinished,  ///< the reply ended within the reasoning, before its visible part
};

/// "refused", "answered", "partial", "other", "empty", "unfinished".
[[nodiscard]] const char* to_string(Verdict verdict);
/// Throws Error{kBadInput} naming the six words.
[[nodiscard]] Verdict parse_verdict(const std::string& text);

/// A conversation and the final reply.
struct Exchange {
  std::vector<Message> messages;  ///< up to and including the user's final request
  std::string reply;              ///< its visible part, or as generated, including reasoning
  /// If not empty, an answer must begin with one of them.
  std::vector<std::string> answer_prefixes = {};
  /// Metric of its set. Members of a jury can be limited to some sets. Empty = all members are
  /// asked.
  std::string set = {};
};

/// The verdict of one member of a jury.
struct Opinion {
  std::string judge;
  Verdict verdict = Verdict::kOther;
};

/// The verdict on one exchange, or the reason why there is none.
struct Judgement {
  Verdict verdict = Verdict::kOther;
  std::string error = {};  ///< empty = `verdict` is valid
  /// For a jury, the verdicts of the members that were asked, in order.
  std::vector<Opinion> opinions = {};
  [[nodiscard]] bool ok() const { return error.empty(); }
};

/// Not thread-safe.
class Judge {
 public:
  Judge() = default;
  Judge(const Judge&) = delete;
  Judge& operator=(const Judge&) = delete;
  virtual ~Judge() = default;

  /// Name for tables and messages, unique within a jury.
  [[nodiscard]] virtual std::string name() const = 0;
  /// Hash of everything a verdict depends on besides the exchange, for use as a cache
  /// key.
  [[nodiscard]] virtual std::string key() const = 0;
  /// The question it is asked, with placeholders; empty for a judge that is not asked in words.
  [[nodiscard]] virtual std::string prompt() const { return {}; }
  /// True if verdicts are expensive enough to cache.
  [[nodiscard]] virtual bool is_costly() const { return false; }

  /// One judgement per exchange, in order. For an exchange that cannot be judged, `error` gives the
  /// reason. Throws Error only if continuing makes no sense.
  [[nodiscard]] virtual std::vector<Judgement> judge(const std::vector<Exchange>& exchanges) = 0;

  /// Judges exchanges with known verdicts. Throws Error{kUsage} with a wrong verdict if the judge
  /// is not reliable. Call it once before using the judge.
  virtual void self_test() = 0;
};

}  // namespace mascing
