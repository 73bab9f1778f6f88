// One loaded model with its context and tap: decodes batches whose token order it knows.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <llama.h>

#include "host/llama/call_watch.h"
#include "host/llama/loaded_model.h"
#include "host/llama/router_tap.h"
#include "host/llama/token_batch.h"
#include "mascing/host.h"
#include "mascing/llama_host.h"

namespace mascing {

struct LlamaContextDeleter {
  void operator()(llama_context* context) const { llama_free(context); }
};

class Engine {
 public:
  enum class Purpose {
    kServe,
    kDifferentiate,  ///< attention in single operations, no device
  };
  /// Threads, batch and context as `options` say; its n_thread must be resolved. `watch`: whom
  /// decodes ask whether to go on, may be null.
  Engine(std::shared_ptr<const LoadedModel> model,
         const LlamaHostOptions& options,
         Purpose purpose = Purpose::kServe,
         std::shared_ptr<CallWatch> watch = nullptr);

  [[nodiscard]] const ModelInfo& info() const { return model_->info; }
  [[nodiscard]] const ChatPrompt& chat() const { return *model_->chat; }
  [[nodiscard]] const llama_vocab* vocab() const {
    return llama_model_get_vocab(model_->weights.get());
  }
  [[nodiscard]] llama_context* context() { return context_.get(); }
  [[nodiscard]] int64_t n_cell() const { return n_cell_; }  ///< cache cells in all
  /// Tokens of one sequence, at most.
  [[nodiscard]] int64_t context_size() const { return n_context_; }
  [[nodiscard]] int64_t n_parallel() const { return n_parallel_; }  ///< conversations at once
  /// Replies to write at once. Attention on the processor walks past the cells of all others in
  /// use, which takes a small model longer than to read its weights for each reply alone.
  [[nodiscard]] int64_t n_reply() const {
    constexpr int64_t kMostOfSmall = 2;
    return model_->has_cpu_only && model_->is_small() ? std::min(n_parallel_, kMostOfSmall)
                                                      : n_parallel_;
  }
  /// Whether prompts are read in batches of their own. The processor's attention takes 64 tokens
  /// together, and whatever cells any of them looks at: of many replies, nearly all.
  [[nodiscard]] bool reads_apart() const { return model_->has_cpu_only; }
  /// Sequences of the cache: openings of several tokens behind one prompt have one each.
  [[nodiscard]] int64_t n_sequence() const { return n_sequence_; }
  [[nodiscard]] int64_t n_batch() const { return n_batch_; }    ///< tokens per decode
  [[nodiscard]] int64_t n_thread() const { return n_thread_; }  ///< of a decode
  [[nodiscard]] int64_t n_decode() const { return n_decode_; }  ///< so far

  /// Empties the cache.
  void forget();
  /// Empties the cache of one sequence.
  void forget(int32_t i_sequence);
  /// Whether a token sees what was decoded before it. A diffusion model's does not: it reads a text
  /// in one piece.
  [[nodiscard]] bool has_cache() const { return llama_get_memory(context_.get()) != nullptr; }
  /// Whether sequences can begin with what was computed for another; where a recurrent state is
  /// kept they cannot.
  [[nodiscard]] bool can_share() const { return can_share_; }
  /// Empties the cache but for the first `n_token` tokens of a sequence, which sequence 0 then has.
  /// False if what the next token would look at is no longer there: then the cache is empty.
  bool keep_only(int32_t i_sequence, int64_t n_token);
  /// Gives the first `n_token` tokens of sequence 0 to another, empty one: nothing is copied.
  void share_with(int32_t i_sequence, int64_t n_token);
  /// Takes the positions from `begin` on out of one sequence. False if this model's cache cannot,
  /// or no longer has what the next token would look at: then nothing is known of the sequence but
  /// that forget() empties it.
  bool forget_from(int32_t i_sequence, int64_t begin);
  /// What cannot be taken out of sequence 0 by positions: recurrent states.
  [[nodiscard]] std::vector<uint8_t> save_state();
  /// Puts sequence 0 back to its first `n_token` tokens, those it had when `state` was saved.
  void restore_state(const std::vector<uint8_t>& state, int64_t n_token);
  /// Decodes the batch under the tap. At least one token is computed to its logits, unless
  /// `stop_after_routers`: then nobody asks for them, and where there is no GPU nothing is computed
  /// behind the last router. Throws Error{kHost}, Error{kInterrupted} if the watch says so.
  void decode(TokenBatch& batch, bool stop_after_routers);
  /// Throws Error{kInterrupted} if the watch wants the call to end.
  void require_not_stopped();
  /// Whom decodes show the columns with an `i_request`; null = nobody.
  void set_observer(const RouterObserver* observer) { tap_->set_observer(observer); }
  /// Whom decodes show every node; null = nobody.
  void set_listener(GraphListener* listener) { tap_->set_listener(listener); }
  /// Logits of a token flagged as output in the last batch, [V].
  [[nodiscard]] const float* logits(int32_t i_token);
  /// Null if this steering leaves the model as it is; checks that it belongs to the model.
  [[nodiscard]] const Steering* active(const Steering& steering) const;

  HostCounters counters;

 private:
  /// Whether the cache has all that the token behind the first `n_token` of a sequence looks at.
  [[nodiscard]] bool has_window(int32_t i_sequence, int64_t n_token) const;

  std::shared_ptr<const LoadedModel> model_;
  std::shared_ptr<CallWatch> watch_;
  HostCounters told_;  ///< what the watch knows of `counters`
  std::unique_ptr<RouterTap> tap_;
  std::unique_ptr<llama_context, LlamaContextDeleter> context_;
  int64_t n_cell_ = 0;
  int64_t n_context_ = 0;
  int64_t n_parallel_ = 0;
  int64_t n_sequence_ = 0;
  int64_t n_decode_ = 0;
  int64_t n_thread_ = 1;
  int64_t n_batch_ = 0;
  bool can_share_ = false;
  bool can_stop_ = false;  ///< graphs can be left at the last router
};

/// Why a prompt cannot be processed, or empty.
[[nodiscard]] std::string why_impossible(const std::vector<int32_t>& tokens,
                                         int64_t context_size,
                                         int64_t n_vocab);
/// The same of a prompt whose span is to be looked at; nothing after the span counts.
[[nodiscard]] std::string why_untraceable(const Engine& engine, const TraceRequest& request);

}  // namespace mascing
