// Interface of an inference engine that can be measured and steered: it describes its model,
// renders conversations, records router logits in a prefill, generates, and scores text. One
// implementation runs GGUF files through libllama (llama_host.h); another is a small deterministic
// test model.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "mascing/conversation.h"
#include "mascing/gradient_requests.h"
#include "mascing/host_requests.h"
#include "mascing/model_info.h"
#include "mascing/reply_parts.h"
#include "mascing/result.h"
#include "mascing/text_requests.h"

namespace mascing {

/// Not thread-safe. Each call starts with empty caches, so its result depends only on its arguments
/// and the thread count. Requests that cannot be processed return a Result with an error.
/// Error{kHost} is thrown only when the engine itself fails, Error{kMismatch} when a mask belongs
/// to another model.
class Host {
 public:
  Host() = default;
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;
  virtual ~Host() = default;

  [[nodiscard]] virtual const ModelInfo& describe() const = 0;
  /// Applies the model's chat template with the generation prompt. Throws Error{kBadInput} if the
  /// conversation does not end with a user message, or the message cannot be located in the
  /// tokens.
  [[nodiscard]] virtual Prompt render(const Conversation& conversation) const = 0;
  /// The same for messages that end with the assistant's, for guard models whose template adds the
  /// question. Throws Error{kBadInput} if the template rejects them, Error{kHost} if the host does
  /// not support it.
  [[nodiscard]] virtual std::vector<int32_t> render_whole(
      const std::vector<Message>& messages) const;
  /// The source of the chat template; empty if there is none.
  [[nodiscard]] virtual std::string chat_template() const { return {}; }
  /// How the model marks its reasoning; no start if it does not, or if that is not known.
  [[nodiscard]] virtual ReasoningMarks reasoning_marks() const { return {}; }
  /// Name and version of the engine, and how the weights are quantised; empty if not known.
  [[nodiscard]] virtual std::string engine() const { return {}; }
  [[nodiscard]] virtual std::string quantisation() const { return {}; }
  /// Options of the engine that can change a result and are not the usual ones, by name.
  [[nodiscard]] virtual std::map<std::string, std::string> settings() const { return {}; }
  /// Like render(), up to where the visible reply begins, whatever the mode of reasoning.
  [[nodiscard]] virtual std::vector<int32_t> render_visible(
      const Conversation& conversation) const {
    return render(conversation).tokens;
  }
  /// Tokenizes plain text; `begin_of_text` adds the model's begin-of-text token.
  [[nodiscard]] virtual std::vector<int32_t> tokenize(const std::string& text,
                                                      bool begin_of_text) const = 0;
  /// The text that a token stands for, special tokens as they are written; empty if not known.
  [[nodiscard]] virtual std::string piece([[maybe_unused]] int32_t token) const { return {}; }
  /// Maximum number of tokens of a sequence.
  [[nodiscard]] virtual int64_t context_size() const = 0;
  /// Whether the model keeps a recurrent state, which sequences cannot share: the openings behind a
  /// prompt are then read one after the other, and differentiated in as many parts.
  [[nodiscard]] virtual bool reads_in_turn() const { return false; }

  virtual std::vector<Result<RouterTrace>> trace(const std::vector<TraceRequest>& requests) = 0;
  /// Prefills like trace(), one request at a time, and passes every token of the spans at every MoE
  /// layer to the observer: tokens in order within a layer, layers in order within a chunk of the
  /// prompt. Returns one text per request, empty or the reason why it was not processed.
  /// Exceptions of the observer end the call. Throws Error{kHost} if the host cannot expose router
  /// inputs.
  virtual std::vector<std::string> observe(const std::vector<TraceRequest>& requests,
                                           const RouterObserver& observer);
  /// The same for the output: passes the next-token logits at every token of the spans.
  virtual std::vector<std::string> observe_outputs(const std::vector<TraceRequest>& requests,
                                                   const OutputObserver& observer);
  virtual std::vector<Result<Reply>> generate(const std::vector<GenerateRequest>& requests,
                                              const Sampling& sampling) = 0;
  /// Generates like generate() in several rounds. `next` provides each request's next prompt until
  /// it returns none. A prefix already computed for the request is reused. Reply i > 0 uses the
  /// random stream mix_seed(stream, i). The default implementation computes every prompt from
  /// scratch.
  virtual void converse(const std::vector<GenerateRequest>& requests,
                        const ConverseOptions& options,
                        const NextPrompts& next);
  virtual std::vector<Result<Score>> score(const std::vector<ScoreRequest>& requests) = 0;
  virtual std::vector<Result<Probe>> probe(const std::vector<ProbeRequest>& requests) = 0;
  virtual std::vector<Result<Residual>> residuals(const std::vector<ResidualRequest>& requests) = 0;

  /// Whether `gradients` is the quickest way to derivatives here; otherwise, why random pairs of
  /// masks are. The default says that this engine has none.
  [[nodiscard]] virtual std::string why_no_gradients() const;
  /// Exact derivatives of outcomes of prompts with respect to the steering matrix. The default
  /// throws Error{kHost}; a request whose model has an operation that cannot be differentiated
  /// returns an error that names it.
  virtual std::vector<Result<SteerGradient>> gradients(
      const std::vector<GradientRequest>& requests);

  /// Work counters since the host was opened.
  [[nodiscard]] virtual HostCounters counters() const = 0;
  /// From now on `watch` is asked during calls, several times a second where the engine can, from
  /// any thread but never from two at once. Where it says no, the call ends with
  /// Error{kInterrupted}, without a result. Empty = nobody is asked. Returns whom it asked before.
  /// The default asks nobody.
  virtual HostWatch set_watch(HostWatch watch);
  /// Generates like generate() and passes every token on at once. The default passes whole replies
  /// on when all are done.
  virtual std::vector<Result<Reply>> stream(const std::vector<GenerateRequest>& requests,
                                            const Sampling& sampling,
                                            const TokenListener& listener);
};

}  // namespace mascing
