// A model of a few lines that can be steered: refusals hang on one planted expert, whose router
// logit follows the words of the final message. Deterministic, and fast enough to run the whole
// pipeline many times in a second.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "mascing/host.h"

namespace mascing {

class FakeHost : public Host {
 public:
  static constexpr int64_t kLayers = 3;
  static constexpr int64_t kExperts = 8;
  static constexpr int64_t kPlantedLayer = 1;
  static constexpr int64_t kPlantedExpert = 5;
  static constexpr int64_t kContext = 64;

  enum class Nature {
    kPlanted,  ///< as described below
    kChaotic,  ///< every mask changes half of the replies, none in a way that can be learned
  };
  explicit FakeHost(Nature nature = Nature::kPlanted);

  /// What the final message's words do to the planted expert's logit, which starts at -5: "seal"
  /// adds 6, "please" takes 1.2 away, "grave" adds 1. The model refuses if its mean over the final
  /// message, steered, is above 0.
  [[nodiscard]] static ModelInfo make_info();

  /// From now on it thinks these words before it replies, between <think> and </think>; the first
  /// of these marks may stand in the prompt. Probes know nothing of it.
  void think(const std::string& words, bool is_opened_by_prompt) {
    thought_ = words;
    (void)tokenize(words, false);  // so that it knows replies of a cache
    is_opened_ = is_opened_by_prompt;
  }
  [[nodiscard]] ReasoningMarks reasoning_marks() const override {
    return thought_.empty() ? ReasoningMarks{} : ReasoningMarks{"<think>", {"</think>"}};
  }
  /// As if there were a chat template.
  void set_template(const std::string& source) { template_ = source; }
  [[nodiscard]] std::string chat_template() const override { return template_; }

  [[nodiscard]] const ModelInfo& describe() const override { return info_; }
  [[nodiscard]] Prompt render(const Conversation& conversation) const override;
  [[nodiscard]] std::vector<int32_t> tokenize(const std::string& text,
                                              bool begin_of_text) const override;
  [[nodiscard]] int64_t context_size() const override { return kContext; }

  std::vector<Result<RouterTrace>> trace(const std::vector<TraceRequest>& requests) override;
  /// Experts are shown from the word as trace() has them, with the mask added as generate() does.
  /// There are no outputs to show.
  std::vector<std::string> observe(const std::vector<TraceRequest>& requests,
                                   const RouterObserver& observer) override;
  /// Empty for a word that it has not met.
  [[nodiscard]] std::string piece(int32_t token) const override {
    const auto known = words_.find(token);
    return known == words_.end() ? "" : known->second + ' ';
  }
  std::vector<Result<Reply>> generate(const std::vector<GenerateRequest>& requests,
                                      const Sampling& sampling) override;
  std::vector<Result<Score>> score(const std::vector<ScoreRequest>& requests) override;
  std::vector<Result<Probe>> probe(const std::vector<ProbeRequest>& requests) override;
  /// From the planted layer on, the first component is the refusal's logit; all else is noise.
  std::vector<Result<Residual>> residuals(const std::vector<ResidualRequest>& requests) override;
  [[nodiscard]] HostCounters counters() const override { return counters_; }

 private:
  [[nodiscard]] std::string word(int32_t token) const { return words_.at(token); }
  /// Router logits of one token, [L, E], before steering.
  [[nodiscard]] std::vector<float> router_logits(int32_t token, float planted) const;
  [[nodiscard]] float planted_logit(const std::vector<int32_t>& tokens, TokenSpan span) const;
  /// The planted expert's steered router logit, mean over the final message; a control vector adds
  /// the first components of its rows from the planted layer on.
  [[nodiscard]] double refusal_logit(const std::vector<int32_t>& tokens,
                                     const Steering& steering) const;
  [[nodiscard]] static TokenSpan final_message(const std::vector<int32_t>& tokens);

  [[nodiscard]] Reply reply_of(const std::string& text, const Sampling& sampling) const;

  Nature nature_;
  std::string thought_;
  bool is_opened_ = false;
  std::string template_;
  ModelInfo info_ = make_info();
  HostCounters counters_;
  mutable std::map<int32_t, std::string> words_ = {
      {0, "<begin>"}, {1, "<message>"}, {2, "<reply>"}};
};

}  // namespace mascing
