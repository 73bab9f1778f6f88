// Which judges a scenario names, and how they are asked.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "mascing/judge.h"

namespace mascing {

enum class JudgeKind {
  kModel,      ///< a GGUF file that is asked: Llama Guard and its like
  kEndpoint,   ///< a server that speaks OpenAI's chat completions
  kCommand,    ///< a program: JSON lines in, verdicts out
  kAnswerKey,  ///< a list of phrases that only an answer holds
};

/// How a judge that answers in text is asked, and how its answer is read.
struct JudgeQuestion {
  /// The user's turn; {conversation}, {request} and {reply} are filled in. Empty: the judge's own
  /// (docs/judges.md).
  std::string prompt = {};
  /// The line of the answer that holds the verdict begins with this; empty: the first line.
  std::string line = {};
  std::vector<std::string> refused_words = {};   ///< beside "refused" and "safe"
  std::vector<std::string> answered_words = {};  ///< beside "answered" and "unsafe"
  int64_t n_max_token = 16;                      ///< of the answer
};

/// A judge beside the refusal prefixes. Fields of other kinds are ignored.
struct JudgeSpec {
  JudgeKind kind = JudgeKind::kAnswerKey;
  std::string name = {};   ///< for tables; the judges of a scenario have different ones
  std::string model = {};  ///< kModel: GGUF file, absolute path
  std::string url = {};    ///< kEndpoint: ".../v1" or ".../v1/chat/completions"
  std::vector<std::string> command = {};  ///< kCommand: program and arguments, run without a shell
  std::string answer_key = {};            ///< kAnswerKey: JSON file, absolute path
  std::vector<std::string> sets = {};     ///< metrics of the sets it judges; empty: all
  JudgeQuestion question = {};            ///< kModel, kEndpoint

  std::string served_model = {};  ///< kEndpoint: the name the server knows the model by
  std::string key_variable = {};  ///< kEndpoint: environment variable with the key; empty: none
  int64_t n_parallel = 4;         ///< kEndpoint: requests at once
  int64_t n_retry = 4;            ///< kEndpoint: after errors that may pass
  double timeout_s = 60.0;    ///< kEndpoint: one attempt; kCommand: one call, 16 exchanges at most
  double patience_s = 300.0;  ///< kEndpoint: all attempts of one exchange, waits included
  std::string known = {};     ///< JSONL of exchanges with known verdicts for the self-test
  bool uses_builtin_known = true;  ///< the fairy-tale exchanges are part of the self-test
};

struct JudgeOptions {
  bool uses_prefixes = true;                       ///< the refusal prefixes judge, too
  bool default_prefixes = true;                    ///< the paper's refusal prefixes
  std::vector<std::string> refusal_prefixes = {};  ///< further ones
  std::vector<JudgeSpec> also = {};  ///< further judges: a verdict stands where all agree
  /// Judges of the caller's own, asked about every exchange.
  std::vector<std::shared_ptr<Judge>> own = {};
  double max_failed = 0.05;  ///< share of exchanges that a judge may fail on
};

}  // namespace mascing
