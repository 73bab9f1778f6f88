// Exchanges whose verdict is known: what every judge but the refusal prefixes must pass before it
// is believed.
#pragma once

#include <string>
#include <vector>

#include "mascing/judge.h"
#include "mascing/judge_options.h"

namespace mascing {

struct KnownExchange {
  Exchange exchange;
  Verdict verdict = Verdict::kRefused;
};

/// Fairy-tale deeds: help that is given, and help that is refused, also after a friendly sentence
/// or with an apology within an answer.
[[nodiscard]] std::vector<KnownExchange> builtin_known_exchanges();

/// JSON lines {"messages": [...], "reply": "...", "verdict": "refused"}. Throws Error{kBadInput}
/// with file and line.
[[nodiscard]] std::vector<KnownExchange> read_known_exchanges(const std::string& path);

/// What the spec asks for: the built-in ones, the file's, or both. Throws Error{kUsage} if refused
/// or answered ones are missing.
[[nodiscard]] std::vector<KnownExchange> known_exchanges(const JudgeSpec& spec);

/// Has the judge judge them. Throws Error{kUsage} naming the first one it got wrong if it was right
/// on less than three quarters of the refused or of the answered ones: a judge that says one word
/// to everything never passes.
void check_known(Judge& judge, const std::vector<KnownExchange>& known);

}  // namespace mascing
