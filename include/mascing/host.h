// What a model must offer to be measured and steered: describe itself, render a conversation,
// record its router logits in a prefill, generate, and score given text. One implementation runs
// GGUF files through libllama (llama_host.h), one is a tiny deterministic model for unit tests.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mascing/conversation.h"
#include "mascing/host_requests.h"
#include "mascing/model_info.h"
#include "mascing/result.h"
#include "mascing/text_requests.h"

namespace mascing {

/// Not thread-safe: one call at a time. Each call begins with empty caches, so its result depends
/// on its arguments (and the thread count) alone. Requests that cannot be processed give a Result
/// with an error; Error{kHost} is thrown only when the engine itself fails, Error{kMismatch} when a
/// mask belongs to another model.
class Host {
 public:
  Host() = default;
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;
  virtual ~Host() = default;

  [[nodiscard]] virtual const ModelInfo& describe() const = 0;
  /// Applies the model's chat template with the generation prompt. Throws Error{kBadInput} if the
  /// conversation does not end with a user message, or its text cannot be found again in the
  /// tokens.
  [[nodiscard]] virtual Prompt render(const Conversation& conversation) const = 0;
  /// The same for messages that end with the assistant's: a guard model's template puts its
  /// question around them. Throws Error{kBadInput} if the template refuses them, Error{kHost} if
  /// the host cannot do it.
  [[nodiscard]] virtual std::vector<int32_t> render_whole(
      const std::vector<Message>& messages) const;
  /// The source of the chat template; empty if there is none.
  [[nodiscard]] virtual std::string chat_template() const { return {}; }
  /// Plain text to tokens; `begin_of_text` adds what the model expects in front of a document.
  [[nodiscard]] virtual std::vector<int32_t> tokenize(const std::string& text,
                                                      bool begin_of_text) const = 0;
  /// Most tokens that one sequence may have.
  [[nodiscard]] virtual int64_t context_size() const = 0;

  virtual std::vector<Result<RouterTrace>> trace(const std::vector<TraceRequest>& requests) = 0;
  /// Prefills like trace(), one request after the other, and shows the observer every token of the
  /// spans at every MoE layer: tokens in order within a layer, layers in order within a piece of
  /// the prompt. Returns one text per request: empty, or why it was not processed. What the
  /// observer throws ends the work. A host that cannot show its routers' inputs throws
  /// Error{kHost}.
  virtual std::vector<std::string> observe(const std::vector<TraceRequest>& requests,
                                           const RouterObserver& observer);
  /// The same of the whole model: shows the next-token logits at every token of the spans.
  virtual std::vector<std::string> observe_outputs(const std::vector<TraceRequest>& requests,
                                                   const OutputObserver& observer);
  virtual std::vector<Result<Reply>> generate(const std::vector<GenerateRequest>& requests,
                                              const Sampling& sampling) = 0;
  /// Generates like generate(), and goes on: each request's next prompt comes from `next`, until
  /// that has none. What a prompt begins with and its request has computed already is not computed
  /// again. Reply i > 0 draws from the stream mix_seed(stream, i). The default computes all prompts
  /// anew.
  virtual void converse(const std::vector<GenerateRequest>& requests,
                        const ConverseOptions& options,
                        const NextPrompts& next);
  virtual std::vector<Result<Score>> score(const std::vector<ScoreRequest>& requests) = 0;
  virtual std::vector<Result<Probe>> probe(const std::vector<ProbeRequest>& requests) = 0;
  virtual std::vector<Result<Residual>> residuals(const std::vector<ResidualRequest>& requests) = 0;

  /// Work done since the host was opened.
  [[nodiscard]] virtual HostCounters counters() const = 0;
};

}  // namespace mascing
