// A judge behind the OpenAI chat completions API (vLLM, llama-server, hosted services).
#pragma once

#include <string>
#include <vector>

#include "judge/judge_watch.h"
#include "mascing/judge.h"
#include "mascing/judge_options.h"

namespace mascing {

/// One greedy request per exchange, several in parallel. Transient errors (no connection, timeouts,
/// 408, 429, 5xx, answers that are not JSON) are retried with growing pauses, or as requested by
/// the server, within `patience_s`. A remaining error only affects its exchange.
class EndpointJudge : public Judge {
 public:
  /// Reads the key from its environment variable. Throws Error{kUsage} if that is not set, or the
  /// URL is not http(s) or contains a password.
  explicit EndpointJudge(JudgeSpec spec, JudgeWatch watch = {});

  [[nodiscard]] std::string name() const override { return spec_.name; }
  /// Hash of URL, model and question, without the key.
  [[nodiscard]] std::string key() const override;
  [[nodiscard]] std::string prompt() const override { return spec_.question.prompt; }
  [[nodiscard]] bool is_costly() const override { return true; }
  [[nodiscard]] std::vector<Judgement> judge(const std::vector<Exchange>& exchanges) override;
  void self_test() override;

 private:
  [[nodiscard]] std::string body_for(const Exchange& exchange) const;
  /// `text` for a message, shortened and with the key removed if the server echoed it.
  [[nodiscard]] std::string shown(const std::string& text) const;

  friend class EndpointRequest;
  JudgeSpec spec_;
  JudgeWatch watch_;
  std::string url_;
  std::string secret_;
};

}  // namespace mascing
