// A host whose replies are a function of the prompt's text: for judges that ask a model.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "mascing/error.h"
#include "mascing/host.h"

namespace mascing {

class ScriptedHost : public Host {
 public:
  using Script = std::function<std::string(const std::string& prompt)>;
  explicit ScriptedHost(Script script, std::string chat_template = {})
      : script_(std::move(script)), template_(std::move(chat_template)) {
    info_.identity = "scripted";
  }

  std::vector<std::string> prompts;  ///< of all requests so far
  Sampling sampling;                 ///< of the last call
  int n_call = 0;
  size_t n_most_bytes = 1U << 20;  ///< longer prompts are errors

  [[nodiscard]] const ModelInfo& describe() const override { return info_; }
  [[nodiscard]] Prompt render(const Conversation& conversation) const override {
    return {tokenize(text_of(conversation.messages), false), {}};
  }
  [[nodiscard]] std::vector<int32_t> render_whole(
      const std::vector<Message>& messages) const override {
    return tokenize("whole: " + text_of(messages), false);
  }
  [[nodiscard]] std::string chat_template() const override { return template_; }
  [[nodiscard]] std::vector<int32_t> tokenize(const std::string& text,
                                              bool /*begin_of_text*/) const override {
    return {text.begin(), text.end()};
  }
  [[nodiscard]] int64_t context_size() const override { return static_cast<int64_t>(n_most_bytes); }

  std::vector<Result<Reply>> generate(const std::vector<GenerateRequest>& requests,
                                      const Sampling& how) override {
    ++n_call;
    sampling = how;
    std::vector<Result<Reply>> outcomes(requests.size());
    for (size_t i = 0; i < requests.size(); ++i) {
      if (requests[i].tokens.size() > n_most_bytes) {
        outcomes[i].error = "too long";
        continue;
      }
      prompts.emplace_back(requests[i].tokens.begin(), requests[i].tokens.end());
      outcomes[i].value.text = script_(prompts.back());
    }
    return outcomes;
  }

  std::vector<Result<RouterTrace>> trace(const std::vector<TraceRequest>& /*requests*/) override {
    return {};
  }
  std::vector<Result<Score>> score(const std::vector<ScoreRequest>& /*requests*/) override {
    return {};
  }
  std::vector<Result<Probe>> probe(const std::vector<ProbeRequest>& /*requests*/) override {
    return {};
  }
  std::vector<Result<Residual>> residuals(
      const std::vector<ResidualRequest>& /*requests*/) override {
    return {};
  }
  [[nodiscard]] HostCounters counters() const override { return {}; }

 private:
  static std::string text_of(const std::vector<Message>& messages) {
    std::string text;
    for (const Message& message : messages) {
      text += message.role + ": " + message.content + "\n";
    }
    return text;
  }

  Script script_;
  std::string template_;
  ModelInfo info_;
};

}  // namespace mascing
