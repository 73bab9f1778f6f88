// Asks a server that speaks OpenAI's chat completions (vLLM, llama-server, hosted ones).
#pragma once

#include <string>
#include <vector>

#include "mascing/judge.h"
#include "mascing/judge_options.h"

namespace mascing {

/// One request per exchange, several at once, greedy. What may pass (no connection, timeouts, 408,
/// 429, 5xx, answers that are no JSON) is tried again with growing pauses, or after as long as the
/// server asks for, within `patience_s`; what remains is an error of that exchange alone.
class EndpointJudge : public Judge {
 public:
  /// Takes the key from its environment variable. Throws Error{kUsage} if that is not set, or the
  /// URL is none of http(s) or holds a password.
  explicit EndpointJudge(JudgeSpec spec);

  [[nodiscard]] std::string name() const override { return spec_.name; }
  /// Of URL, model and question; never of the key.
  [[nodiscard]] std::string key() const override;
  [[nodiscard]] bool is_costly() const override { return true; }
  [[nodiscard]] std::vector<Judgement> judge(const std::vector<Exchange>& exchanges) override;
  void self_test() override;

 private:
  [[nodiscard]] std::string body_for(const Exchange& exchange) const;
  /// `text` for a message: cut, and without the key should the server have said it.
  [[nodiscard]] std::string shown(std::string text) const;

  friend class EndpointRequest;
  JudgeSpec spec_;
  std::string url_;
  std::string secret_;
};

}  // namespace mascing
