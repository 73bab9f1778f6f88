// Continuous-batched generation. In every decode each running reply gets one token, and the
// remaining room is used for prompts. A finished reply frees its slot at once; a continued
// conversation keeps its slot and the cached prefix of its next prompt.
#include <algorithm>
#include <deque>
#include <memory>
#include <utility>

#include <common.h>

#include "base/random.h"
#include "host/llama/logits.h"
#include "host/llama/schedulers.h"

namespace mascing {
namespace {

struct SamplerDeleter {
  void operator()(llama_sampler* sampler) const { llama_sampler_free(sampler); }
};
using SamplerPtr = std::unique_ptr<llama_sampler, SamplerDeleter>;

SamplerPtr make_sampler(const Sampling& sampling, uint64_t stream) {
  if (sampling.temperature <= 0.0F) {
    return SamplerPtr(llama_sampler_init_greedy());
  }
  SamplerPtr chain(llama_sampler_chain_init(llama_sampler_chain_default_params()));
  llama_sampler_chain_add(chain.get(), llama_sampler_init_temp(sampling.temperature));
  const uint32_t seed = mix_seed(sampling.seed, stream) & 0x7fffffffU;
  llama_sampler_chain_add(chain.get(), llama_sampler_init_dist(seed));
  return chain;
}

enum class SlotState {
  kFree,
  kReady,    ///< has a prompt, waits for cells
  kRunning,  ///< prompt or reply is being computed
  kDone,     ///< its reply waits to be handed over
};

/// A place for one conversation: a sequence of the cache.
struct Slot {
  int32_t i_sequence = 0;
  SlotState state = SlotState::kFree;
  int64_t i_request = 0;
  int64_t i_reply = 0;
  std::vector<int32_t> prompt;
  std::vector<int32_t> cached;  ///< tokens of this sequence in the cache, or in the running batch
  int64_t n_reserved = 0;       ///< cells it may need
  TapColumn column;             ///< what the tap does to each of its tokens
  int32_t i_output = -1;        ///< index in the running batch whose logits continue it
  SamplerPtr sampler;
  Reply reply;
};

/// Leading tokens that two sequences share.
int64_t n_shared(const std::vector<int32_t>& a, const std::vector<int32_t>& b) {
  const int64_t n = std::min(std::ssize(a), std::ssize(b));
  return std::mismatch(a.begin(), a.begin() + n, b.begin()).first - a.begin();
}

class GenerationRun {
 public:
  GenerationRun(Engine& engine,
                const std::vector<GenerateRequest>& requests,
                const ConverseOptions& options,
                const NextPrompts& next)
      : engine_(engine),
        requests_(requests),
        sampling_(options.sampling),
        n_together_(options.n_together),
        next_(next),
        batch_(engine.n_batch(), 1),
        slots_(engine.n_parallel()) {
    for (int32_t i = 0; Slot & slot : slots_) {
      slot.i_sequence = i++;
    }
  }

  void run() {
    engine_.forget();
    take_requests();
    while (true) {
      start_ready();
      start_waiting();
      if (count(SlotState::kRunning) == 0) {
        if (count(SlotState::kDone) == 0) {
          break;
        }
        hand_over();
        continue;
      }
      compose();
      engine_.decode(batch_, false);
      for (Slot& slot : slots_) {
        if (slot.state == SlotState::kRunning && slot.i_output >= 0) {
          sample(slot);
        }
      }
      if (count(SlotState::kDone) >= n_together_) {
        hand_over();
      }
    }
    engine_.forget();
  }

 private:
  void take_requests() {
    std::vector<FinishedReply> failed;
    for (int64_t i = 0; i < std::ssize(requests_); ++i) {
      std::string error = rejection_reason(requests_[i].tokens);
      if (error.empty()) {
        waiting_.push_back(i);
      } else {
        failed.push_back({i, 0, {{}, std::move(error)}});
      }
    }
    if (!failed.empty()) {
      (void)next_(failed);
    }
  }

  [[nodiscard]] std::string rejection_reason(const std::vector<int32_t>& prompt) const {
    return why_impossible(prompt, engine_.context_size() - 1, engine_.info().n_vocab);
  }

  [[nodiscard]] int64_t count(SlotState state) const {
    return std::count_if(
        slots_.begin(), slots_.end(), [&](const Slot& slot) { return slot.state == state; });
  }

  [[nodiscard]] int64_t n_need(const std::vector<int32_t>& prompt) const {
    return std::min(std::ssize(prompt) + sampling_.n_max_token, engine_.context_size());
  }

  /// Whether `n_cell` cells are free beside what all slots but `slot` hold.
  [[nodiscard]] bool fits(const Slot& slot, int64_t n_cell) const {
    const int64_t n_others = n_reserved_ - slot.n_reserved;
    return n_others == 0 || n_others + n_cell <= engine_.n_cell();
  }

  void reserve(Slot& slot, int64_t n_cell) {
    n_reserved_ += n_cell - slot.n_reserved;
    slot.n_reserved = n_cell;
  }

  /// Conversations that go on come before new ones. If none of them can, the last ones lose what
  /// they have in the cache until the first can.
  void start_ready() {
    Slot* first = nullptr;
    for (Slot& slot : slots_) {
      if (slot.state != SlotState::kReady) {
        continue;
      }
      if (fits(slot, n_need(slot.prompt))) {
        begin(slot);
      } else if (first == nullptr) {
        first = &slot;
      }
    }
    if (first == nullptr || count(SlotState::kRunning) > 0) {
      return;
    }
    for (auto slot = slots_.rbegin(); slot != slots_.rend(); ++slot) {
      if (&*slot != first && !fits(*first, n_need(first->prompt))) {
        drop_cache(*slot);
      }
    }
    begin(*first);
  }

  void start_waiting() {
    for (Slot& slot : slots_) {
      if (waiting_.empty() || slot.state != SlotState::kFree) {
        continue;
      }
      const GenerateRequest& request = requests_[waiting_.front()];
      if (!fits(slot, n_need(request.tokens))) {
        break;
      }
      slot.i_request = waiting_.front();
      slot.i_reply = 0;
      slot.prompt = request.tokens;
      slot.column.steering = engine_.active(request.steering);
      waiting_.pop_front();
      begin(slot);
    }
  }

  /// Keeps what the cache holds of the prompt; its last token is computed in any case.
  void begin(Slot& slot) {
    const int64_t n_prompt = std::ssize(slot.prompt);
    const int64_t n_kept = std::min(n_shared(slot.prompt, slot.cached), n_prompt - 1);
    if (n_kept < std::ssize(slot.cached)) {
      const bool is_cut = engine_.forget_from(slot.i_sequence, n_kept);
      slot.cached.resize(is_cut ? n_kept : 0);
      if (!is_cut) {
        engine_.forget(slot.i_sequence);
      }
    }
    reserve(slot, n_need(slot.prompt));
    const uint64_t stream = requests_[slot.i_request].stream;
    const bool is_first = slot.i_reply == 0;
    slot.sampler = make_sampler(sampling_, is_first ? stream : mix_seed(stream, slot.i_reply));
    slot.reply = {};
    slot.state = SlotState::kRunning;
  }

  void compose() {
    batch_.clear();
    for (Slot& slot : slots_) {
      slot.i_output = -1;
      if (slot.state == SlotState::kRunning && !slot.reply.tokens.empty()) {
        slot.i_output = add(slot, slot.reply.tokens.back(), true);
        ++engine_.counters.n_generated_token;
      }
    }
    for (Slot& slot : slots_) {
      if (slot.state == SlotState::kRunning && slot.reply.tokens.empty()) {
        add_prompt_tokens(slot);
      }
    }
  }

  int32_t add(Slot& slot, int32_t token, bool is_output) {
    const int64_t position = std::ssize(slot.cached);
    slot.cached.push_back(token);
    return batch_.add(token, position, {slot.i_sequence, 1}, is_output, slot.column);
  }

  void add_prompt_tokens(Slot& slot) {
    const int64_t n_prompt = std::ssize(slot.prompt);
    const int64_t n_now = std::min(batch_.room(), n_prompt - std::ssize(slot.cached));
    for (int64_t i = 0; i < n_now; ++i) {
      const int64_t t = std::ssize(slot.cached);
      const bool is_last = t == n_prompt - 1;
      const int32_t index = add(slot, slot.prompt[t], is_last);
      if (is_last) {
        slot.i_output = index;
      }
    }
    engine_.counters.n_prefill_token += n_now;
  }

  void sample(Slot& slot) {
    Reply& reply = slot.reply;
    const int32_t token =
        llama_sampler_sample(slot.sampler.get(), engine_.context(), slot.i_output);
    if (llama_vocab_is_eog(engine_.vocab(), token)) {
      finish(slot, FinishReason::kStop);
      return;
    }
    const float* row = engine_.logits(slot.i_output);
    reply.log_prob += row[token] - log_sum_exp(row, engine_.info().n_vocab);
    reply.tokens.push_back(token);
    const int64_t n_token = std::ssize(reply.tokens);
    const bool is_full = std::ssize(slot.prompt) + n_token >= engine_.context_size();
    if (n_token >= sampling_.n_max_token || is_full) {
      finish(slot, FinishReason::kLength);
    } else if (hits_stop(reply)) {
      finish(slot, FinishReason::kStop);
    }
  }

  [[nodiscard]] bool hits_stop(const Reply& reply) const {
    const auto& stops = engine_.chat().stops();
    if (stops.empty()) {
      return false;
    }
    const std::string text = common_detokenize(engine_.vocab(), reply.tokens, true);
    return std::any_of(
        stops.begin(), stops.end(), [&](const std::string& stop) { return text.ends_with(stop); });
  }

  void finish(Slot& slot, FinishReason reason) {
    Reply& reply = slot.reply;
    reply.finish = reason;
    reply.text = common_detokenize(engine_.vocab(), reply.tokens, true);
    for (const std::string& stop : engine_.chat().stops()) {
      if (reason == FinishReason::kStop && reply.text.ends_with(stop)) {
        reply.text.resize(reply.text.size() - stop.size());
      }
    }
    reserve(slot, std::ssize(slot.cached));
    slot.state = SlotState::kDone;
  }

  void drop_cache(Slot& slot) {
    engine_.forget(slot.i_sequence);
    slot.cached.clear();
    reserve(slot, 0);
  }

  void release(Slot& slot) {
    drop_cache(slot);
    slot.state = SlotState::kFree;
  }

  void hand_over() {
    std::vector<FinishedReply> finished;
    std::vector<Slot*> owners;
    for (Slot& slot : slots_) {
      if (slot.state == SlotState::kDone) {
        finished.push_back({slot.i_request, slot.i_reply, {std::move(slot.reply), ""}});
        owners.push_back(&slot);
      }
    }
    std::vector<std::vector<int32_t>> prompts = next_(finished);
    prompts.resize(owners.size());
    std::vector<FinishedReply> failed;
    for (size_t k = 0; k < owners.size(); ++k) {
      Slot& slot = *owners[k];
      const std::string error = prompts[k].empty() ? "" : rejection_reason(prompts[k]);
      if (!error.empty()) {
        failed.push_back({finished[k].i_request, slot.i_reply + 1, {{}, error}});
      }
      if (prompts[k].empty() || !error.empty()) {
        release(slot);
      } else {
        slot.prompt = std::move(prompts[k]);
        ++slot.i_reply;
        slot.state = SlotState::kReady;
      }
    }
    if (!failed.empty()) {
      (void)next_(failed);
    }
  }

  Engine& engine_;
  const std::vector<GenerateRequest>& requests_;
  Sampling sampling_;
  int64_t n_together_;
  const NextPrompts& next_;
  TokenBatch batch_;
  std::vector<Slot> slots_;
  std::deque<int64_t> waiting_;
  int64_t n_reserved_ = 0;
};

}  // namespace

void run_conversations(Engine& engine,
                       const std::vector<GenerateRequest>& requests,
                       const ConverseOptions& options,
                       const NextPrompts& next) {
  GenerationRun(engine, requests, options, next).run();
}

std::vector<Result<Reply>> run_generation(Engine& engine,
                                          const std::vector<GenerateRequest>& requests,
                                          const Sampling& sampling) {
  std::vector<Result<Reply>> outcomes(requests.size());
  run_conversations(
      engine, requests, {sampling, 1}, [&](const std::vector<FinishedReply>& replies) {
        for (const FinishedReply& finished : replies) {
          outcomes[finished.i_request] = finished.reply;
        }
        return std::vector<std::vector<int32_t>>(replies.size());
      });
  return outcomes;
}

}  // namespace mascing
