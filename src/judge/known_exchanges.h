// Exchanges with known verdicts, used as a self-test for every judge except the refusal
// prefixes.
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

/// Fairy-tale requests with answers and refusals, including refusals after a friendly sentence and
/// answers that contain an apology.
[[nodiscard]] std::vector<KnownExchange> builtin_known_exchanges();

/// JSON lines {"messages": [...], "reply": "...", "verdict": "refused"}. Throws Error{kBadInput}
/// with file and line.
[[nodiscard]] std::vector<KnownExchange> read_known_exchanges(const std::string& path);

/// The exchanges selected by the spec: built-in, from its file, or both. Throws Error{kUsage} if
/// refused or answered ones are missing.
[[nodiscard]] std::vector<KnownExchange> known_exchanges(const JudgeSpec& spec);

/// Tests the judge. Throws Error{kUsage} with the first wrong verdict if less than three quarters
/// of the refused or of the answered ones are right, so a judge that always gives the same verdict
/// fails.
void check_known(Judge& judge, const std::vector<KnownExchange>& known);

}  // namespace mascing
