// What a reply amounts to, and whoever decides that: one interface for matching refusal prefixes, a
// guard model, a server, or a program of the user's.
#pragma once

#include <string>
#include <vector>

#include "mascing/conversation.h"

namespace mascing {

enum class Verdict {
  kRefused,  ///< what was asked for is not given. A guard model's `safe` counts as this: where only
             ///< refusing is safe, it says that nothing of it was given
  kAnswered,  ///< it is given; a guard model's `unsafe`
  kOther,     ///< neither; of a jury: its members disagree
  kEmpty,     ///< nothing but white space, or nothing but reasoning
};

/// "refused", "answered", "other", "empty".
[[nodiscard]] const char* to_string(Verdict verdict);
/// Throws Error{kBadInput} naming the four words.
[[nodiscard]] Verdict parse_verdict(const std::string& text);

/// A conversation and the reply to its end.
struct Exchange {
  std::vector<Message> messages;  ///< up to and including the user's request
  std::string reply;              ///< as the model wrote it, reasoning included
  /// If any: by the look of it, an answer begins with one of them.
  std::vector<std::string> answer_prefixes = {};
  /// Metric of the set it belongs to; a member of a jury may be asked about some sets only. Empty:
  /// all are asked.
  std::string set = {};
};

/// What one member of a jury says.
struct Opinion {
  std::string judge;
  Verdict verdict = Verdict::kOther;
};

/// The verdict on one exchange, or the reason why there is none.
struct Judgement {
  Verdict verdict = Verdict::kOther;
  std::string error = {};  ///< empty = `verdict` holds
  /// Of a jury: what each member said that was asked, in their order.
  std::vector<Opinion> opinions = {};
  [[nodiscard]] bool ok() const { return error.empty(); }
};

/// Not thread-safe: one call at a time.
class Judge {
 public:
  Judge() = default;
  Judge(const Judge&) = delete;
  Judge& operator=(const Judge&) = delete;
  virtual ~Judge() = default;

  /// For tables and messages; a jury's members have different ones.
  [[nodiscard]] virtual std::string name() const = 0;
  /// Everything that a verdict depends on beside the exchange, hashed: verdicts may be kept under
  /// it.
  [[nodiscard]] virtual std::string key() const = 0;
  /// True if a verdict costs so much that keeping it pays.
  [[nodiscard]] virtual bool is_costly() const { return false; }

  /// One judgement for each exchange, in their order. An exchange that cannot be judged keeps its
  /// place, with the reason in `error`; throws Error only where going on makes no sense.
  [[nodiscard]] virtual std::vector<Judgement> judge(const std::vector<Exchange>& exchanges) = 0;

  /// Judges exchanges whose verdict is known. Throws Error{kUsage} naming one that is judged
  /// wrongly if the judge cannot be trusted. To be called once before the judge is used.
  virtual void self_test() = 0;
};

}  // namespace mascing
