// Continuous-batched generation: in every decode each running reply gets one token, and what room
// is left goes to the prompts of new ones. A finished reply frees its place at once.
#include <algorithm>
#include <deque>
#include <memory>

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
  const auto seed = static_cast<uint32_t>(mix_seed(sampling.seed, stream) & 0x7fffffffU);
  llama_sampler_chain_add(chain.get(), llama_sampler_init_dist(seed));
  return chain;
}

/// A place for one running reply: a sequence of the cache.
struct Slot {
  int32_t i_sequence = 0;
  bool busy = false;
  size_t i_request = 0;
  int64_t n_prompt_done = 0;  ///< prompt tokens that went into a decode
  int64_t n_reserved = 0;     ///< cells it may need
  TapColumn column;           ///< what the tap does to each of its tokens
  int32_t i_output = -1;      ///< index in the running batch whose logits continue it
  SamplerPtr sampler;
};

class GenerationRun {
 public:
  GenerationRun(Engine& engine,
                const std::vector<GenerateRequest>& requests,
                const Sampling& sampling)
      : engine_(engine),
        requests_(requests),
        sampling_(sampling),
        outcomes_(requests.size()),
        batch_(engine.n_batch(), 1),
        slots_(static_cast<size_t>(engine.n_parallel())) {
    for (size_t i = 0; i < slots_.size(); ++i) {
      slots_[i].i_sequence = static_cast<int32_t>(i);
    }
  }

  std::vector<Outcome<Reply>> run() {
    engine_.forget();
    for (size_t i = 0; i < requests_.size(); ++i) {
      outcomes_[i].error =
          why_impossible(requests_[i].tokens, engine_.context_size() - 1, engine_.info().n_vocab);
      if (outcomes_[i].ok()) {
        waiting_.push_back(i);
      }
    }
    while (start_waiting() || any_busy()) {
      compose();
      engine_.decode(batch_, false);
      for (Slot& slot : slots_) {
        if (slot.busy && slot.i_output >= 0) {
          sample(slot);
        }
      }
    }
    engine_.forget();
    return std::move(outcomes_);
  }

 private:
  [[nodiscard]] bool any_busy() const {
    return std::any_of(slots_.begin(), slots_.end(), [](const Slot& slot) { return slot.busy; });
  }

  /// True if a request was given a place.
  bool start_waiting() {
    bool started = false;
    for (Slot& slot : slots_) {
      if (waiting_.empty() || slot.busy) {
        continue;
      }
      const auto n_prompt = static_cast<int64_t>(requests_[waiting_.front()].tokens.size());
      const int64_t n_need = std::min(n_prompt + sampling_.n_max_token, engine_.context_size());
      if (n_reserved_ > 0 && n_reserved_ + n_need > engine_.n_cell()) {
        break;
      }
      slot.busy = true;
      slot.i_request = waiting_.front();
      slot.n_prompt_done = 0;
      slot.n_reserved = n_need;
      slot.column.steering = engine_.active(requests_[slot.i_request].steering);
      slot.sampler = make_sampler(sampling_, requests_[slot.i_request].stream);
      n_reserved_ += n_need;
      waiting_.pop_front();
      started = true;
    }
    return started;
  }

  void compose() {
    batch_.clear();
    for (Slot& slot : slots_) {
      slot.i_output = -1;
      if (slot.busy && !outcomes_[slot.i_request].value.tokens.empty()) {
        add_reply_token(slot);
      }
    }
    for (Slot& slot : slots_) {
      if (slot.busy && outcomes_[slot.i_request].value.tokens.empty()) {
        add_prompt_tokens(slot);
      }
    }
  }

  void add_reply_token(Slot& slot) {
    const auto& reply = outcomes_[slot.i_request].value.tokens;
    const auto position =
        static_cast<int64_t>(requests_[slot.i_request].tokens.size() + reply.size()) - 1;
    slot.i_output = batch_.add(reply.back(), position, {slot.i_sequence, 1}, true, slot.column);
    ++engine_.counters.n_generated_token;
  }

  void add_prompt_tokens(Slot& slot) {
    const auto& tokens = requests_[slot.i_request].tokens;
    const auto n_prompt = static_cast<int64_t>(tokens.size());
    const int64_t n_now = std::min(batch_.room(), n_prompt - slot.n_prompt_done);
    for (int64_t i = 0; i < n_now; ++i) {
      const int64_t t = slot.n_prompt_done + i;
      const bool is_last = t == n_prompt - 1;
      const int32_t index = batch_.add(tokens[t], t, {slot.i_sequence, 1}, is_last, slot.column);
      if (is_last) {
        slot.i_output = index;
      }
    }
    slot.n_prompt_done += n_now;
    engine_.counters.n_prefill_token += n_now;
  }

  void sample(Slot& slot) {
    Reply& reply = outcomes_[slot.i_request].value;
    const int32_t token =
        llama_sampler_sample(slot.sampler.get(), engine_.context(), slot.i_output);
    if (llama_vocab_is_eog(engine_.vocab(), token)) {
      finish(slot, FinishReason::kStop);
      return;
    }
    const float* row = engine_.logits(slot.i_output);
    reply.log_prob += static_cast<double>(row[token]) - log_sum_exp(row, engine_.info().n_vocab);
    reply.tokens.push_back(token);
    const auto n_token =
        static_cast<int64_t>(requests_[slot.i_request].tokens.size() + reply.tokens.size());
    const bool is_full = n_token >= engine_.context_size();
    if (static_cast<int64_t>(reply.tokens.size()) >= sampling_.n_max_token || is_full) {
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
    Reply& reply = outcomes_[slot.i_request].value;
    reply.finish = reason;
    reply.text = common_detokenize(engine_.vocab(), reply.tokens, true);
    for (const std::string& stop : engine_.chat().stops()) {
      if (reason == FinishReason::kStop && reply.text.ends_with(stop)) {
        reply.text.resize(reply.text.size() - stop.size());
      }
    }
    engine_.forget(slot.i_sequence);
    n_reserved_ -= slot.n_reserved;
    slot.busy = false;
  }

  Engine& engine_;
  const std::vector<GenerateRequest>& requests_;
  const Sampling& sampling_;
  std::vector<Outcome<Reply>> outcomes_;
  TokenBatch batch_;
  std::vector<Slot> slots_;
  std::deque<size_t> waiting_;
  int64_t n_reserved_ = 0;
};

}  // namespace

std::vector<Outcome<Reply>> run_generation(Engine& engine,
                                           const std::vector<GenerateRequest>& requests,
                                           const Sampling& sampling) {
  return GenerationRun(engine, requests, sampling).run();
}

}  // namespace mascing
