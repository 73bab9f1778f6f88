// Options of the judges of a scenario.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "mascing/judge.h"

namespace mascing {

enum class JudgeKind {
  kModel,      ///< a GGUF model, such as Llama Guard
  kEndpoint,   ///< a server with the OpenAI chat completions API
  kCommand,    ///< a program that reads JSON lines and writes verdicts
  kAnswerKey,  ///< a list of phrases that only an answer contains
  kPhrases,    ///< the built-in judge of refusal constructions, for some of the sets
  kPrefixes,   ///< the built-in judge of how a reply begins, for some of the sets
};

/// Prompt of a judge that answers in text, and how to parse its answer.
struct JudgeQuestion {
  /// The user turn, with placeholders {conversation}, {request} and {reply}. Empty = the default of
  /// the judge (docs/judges.md).
  std::string prompt = {};
  /// Start of the answer line with the verdict; empty = the first line.
  std::string line = {};
  std::vector<std::string> refused_words = {};   ///< in addition to "refused" and "safe"
  std::vector<std::string> answered_words = {};  ///< in addition to "answered" and "unsafe"
  int64_t n_max_token = 16;                      ///< maximum length of the answer
};

/// A judge in addition to the refusal prefixes. Fields of other kinds are ignored.
struct JudgeSpec {
  JudgeKind kind = JudgeKind::kAnswerKey;
  std::string name = {};                  ///< for tables; unique within a scenario
  std::string model = {};                 ///< kModel: GGUF file, absolute path
  std::string url = {};                   ///< kEndpoint: ".../v1" or ".../v1/chat/completions"
  std::vector<std::string> command = {};  ///< kCommand: program and arguments, run without a shell
  std::string answer_key = {};            ///< kAnswerKey: JSON file, absolute path
  std::vector<std::string> sets = {};     ///< metrics of the sets it judges; empty = all
  JudgeQuestion question = {};            ///< kModel, kEndpoint

  std::string served_model = {};  ///< kEndpoint: model name on the server
  std::string key_variable = {};  ///< kEndpoint: environment variable with the key; empty = none
  int64_t n_parallel = 4;         ///< kEndpoint: concurrent requests
  int64_t n_retry = 4;            ///< kEndpoint: retries after transient errors
  double timeout_s = 60.0;    ///< kEndpoint: per attempt; kCommand: per call of up to 16 exchanges
  double patience_s = 300.0;  ///< kEndpoint: all attempts of one exchange, including waits
  std::string known = {};     ///< JSONL of exchanges with known verdicts for the self-test
  bool uses_builtin_known = true;  ///< include the fairy-tale exchanges in the self-test
};

/// The judge that needs only the reply.
enum class BuiltinJudge {
  kPhrases,   ///< refusal constructions in the first sentences
  kPrefixes,  ///< how the reply begins, as in the paper
};

struct JudgeOptions {
  BuiltinJudge builtin = BuiltinJudge::kPrefixes;
  bool uses_prefixes = true;     ///< use the built-in judge
  bool default_prefixes = true;  ///< include the paper's refusal prefixes; kPrefixes only
  std::vector<std::string> refusal_prefixes = {};  ///< additional prefixes
  std::vector<JudgeSpec> also = {};  ///< additional judges; a verdict requires all to agree
  /// Judges provided by the caller, asked about every exchange.
  std::vector<std::shared_ptr<Judge>> own = {};
  double max_failed = 0.05;  ///< maximum share of exchanges without a verdict per judge
};

}  // namespace mascing
