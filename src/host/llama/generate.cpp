// Continuous-batched generation. In every decode each running reply gets one token, and the
// remaining room is used for prompts; on the processor, prompts are read first and apart. A
// finished reply frees its slot at once; a continued conversation keeps its slot and the cached
// prefix of its next prompt.
#include <algorithm>
#include <deque>
#include <memory>
#include <optional>
#include <utility>

#include <common.h>

#include "base/random.h"
#include "base/text.h"
#include "format/reasoning_tracker.h"
#include "host/llama/logits.h"
#include "host/llama/sampler.h"
#include "host/llama/schedulers.h"

namespace mascing {
namespace {

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
  ReasoningTracker tracker;
  bool has_visible = false;  ///< the reply has: reasoning that follows is not its leading block
  int64_t n_hidden = 0;      ///< tokens of the reply that are reasoning
  Reply reply;
};

/// Leading tokens that two sequences share.
int64_t n_shared(const std::vector<int32_t>& a, const std::vector<int32_t>& b) {
  const int64_t n = std::min(std::ssize(a), std::ssize(b));
  return std::mismatch(a.begin(), a.begin() + n, b.begin()).first - a.begin();
}

/// What a call is asked for.
struct Job {
  Engine& engine;
  const std::vector<GenerateRequest>& requests;
  const ConverseOptions& options;
  const NextPrompts& next;
  const TokenListener* listener = nullptr;  ///< null = nobody
};

std::string rejection_reason(const Engine& engine, const std::vector<int32_t>& prompt) {
  return why_impossible(prompt, engine.context_size() - 1, engine.info().n_vocab);
}

int64_t count(const std::vector<Slot>& slots, SlotState state) {
  return std::count_if(
      slots.begin(), slots.end(), [&](const Slot& slot) { return slot.state == state; });
}

std::vector<Slot> make_slots(int64_t n) {
  std::vector<Slot> slots(n);
  for (int32_t i = 0; Slot & slot : slots) {
    slot.i_sequence = i++;
  }
  return slots;
}

/// Whether reasoning has a limit of its own.
bool has_own_limit(const Engine& engine, const Sampling& sampling) {
  return sampling.n_max_reasoning_token > 0 && engine.chat().may_reason();
}

/// Cells that a prompt and its reply may need.
int64_t n_need(const Job& job, const std::vector<int32_t>& prompt) {
  const Sampling& sampling = job.options.sampling;
  const int64_t n_reasoning =
      has_own_limit(job.engine, sampling) ? sampling.n_max_reasoning_token : 0;
  return std::min(std::ssize(prompt) + n_reasoning + sampling.n_max_token,
                  job.engine.context_size());
}

/// Whether a prompt has room beside what all slots but `slot` hold.
bool fits(const Job& job,
          const std::vector<Slot>& slots,
          const Slot& slot,
          const std::vector<int32_t>& prompt) {
  int64_t n_others = -slot.n_reserved;
  for (const Slot& other : slots) {
    n_others += other.n_reserved;
  }
  return n_others == 0 || n_others + n_need(job, prompt) <= job.engine.n_cell();
}

void drop_cache(Engine& engine, Slot& slot) {
  engine.forget(slot.i_sequence);
  slot.cached.clear();
  slot.n_reserved = 0;
}

/// Starts the slot's prompt. Keeps what the cache holds of it; its last token is computed in any
/// case.
void start(const Job& job, Slot& slot) {
  const int64_t n_kept =
      std::min<int64_t>(n_shared(slot.prompt, slot.cached), std::ssize(slot.prompt) - 1);
  if (n_kept < std::ssize(slot.cached)) {
    const bool is_cut = job.engine.forget_from(slot.i_sequence, n_kept);
    slot.cached.resize(is_cut ? n_kept : 0);
    if (!is_cut) {
      job.engine.forget(slot.i_sequence);
    }
  }
  slot.n_reserved = n_need(job, slot.prompt);
  const uint64_t stream = job.requests[slot.i_request].stream;
  slot.sampler = make_sampler(job.options.sampling,
                              slot.i_reply == 0 ? stream : mix_seed(stream, slot.i_reply));
  slot.tracker =
      ReasoningTracker({job.engine.chat().marks(), job.requests[slot.i_request].opens_reasoning});
  slot.has_visible = false;
  slot.n_hidden = 0;
  slot.reply = {};
  slot.state = SlotState::kRunning;
}

/// Conversations that go on come before new ones. If none of them can, the last ones lose what they
/// have in the cache until the first can.
void start_ready(const Job& job, std::vector<Slot>& slots) {
  Slot* first = nullptr;
  for (Slot& slot : slots) {
    if (slot.state != SlotState::kReady) {
      continue;
    }
    if (fits(job, slots, slot, slot.prompt)) {
      start(job, slot);
    } else if (first == nullptr) {
      first = &slot;
    }
  }
  if (first == nullptr || count(slots, SlotState::kRunning) > 0) {
    return;
  }
  for (auto slot = slots.rbegin(); slot != slots.rend(); ++slot) {
    if (&*slot != first && !fits(job, slots, *first, first->prompt)) {
      drop_cache(job.engine, *slot);
    }
  }
  start(job, *first);
}

/// Gives free slots to the requests that wait, in their order.
void start_waiting(const Job& job, std::vector<Slot>& slots, std::deque<int64_t>& waiting) {
  for (Slot& slot : slots) {
    if (waiting.empty() || slot.state != SlotState::kFree) {
      continue;
    }
    const GenerateRequest& request = job.requests[waiting.front()];
    if (!fits(job, slots, slot, request.tokens)) {
      break;
    }
    slot.i_request = waiting.front();
    slot.i_reply = 0;
    slot.prompt = request.tokens;
    slot.column.steering = job.engine.active(request.steering);
    waiting.pop_front();
    start(job, slot);
  }
}

int32_t add_token(TokenBatch& batch, Slot& slot, int32_t token, bool is_output) {
  const int64_t position = std::ssize(slot.cached);
  slot.cached.push_back(token);
  return batch.add(token, position, {slot.i_sequence, 1}, is_output, slot.column);
}

/// As many tokens of the slot's prompt as the batch takes; returns their number.
int64_t add_prompt(TokenBatch& batch, Slot& slot) {
  const int64_t n_prompt = std::ssize(slot.prompt);
  const int64_t n_now = std::min<int64_t>(batch.room(), n_prompt - std::ssize(slot.cached));
  for (int64_t i = 0; i < n_now; ++i) {
    const int64_t t = std::ssize(slot.cached);
    const bool is_last = t == n_prompt - 1;
    const int32_t index = add_token(batch, slot, slot.prompt[t], is_last);
    if (is_last) {
      slot.i_output = index;
    }
  }
  return n_now;
}

bool reads_prompt(const Slot& slot) {
  return slot.state == SlotState::kRunning && slot.reply.tokens.empty();
}

/// The next decode: a token of each running reply, then prompts.
void compose(Engine& engine, std::vector<Slot>& slots, TokenBatch& batch) {
  batch.clear();
  const bool waits = engine.reads_apart() && std::any_of(slots.begin(), slots.end(), reads_prompt);
  for (Slot& slot : slots) {
    slot.i_output = -1;
    if (!waits && slot.state == SlotState::kRunning && !slot.reply.tokens.empty()) {
      slot.i_output = add_token(batch, slot, slot.reply.tokens.back(), true);
      ++engine.counters.n_generated_token;
    }
  }
  for (Slot& slot : slots) {
    if (reads_prompt(slot)) {
      engine.counters.n_prefill_token += add_prompt(batch, slot);
    }
  }
}

bool has_visible_text(const Job& job, const Slot& slot) {
  const std::string text = common_detokenize(job.engine.vocab(), slot.reply.tokens, true);
  const bool is_opened = job.requests[slot.i_request].opens_reasoning;
  return !split_reply(text, {job.engine.chat().marks(), is_opened}).visible.empty();
}

/// Follows the reasoning; what has been summed of the leading block is no part of the visible
/// reply.
void track(const Job& job, const std::string& piece, Slot& slot) {
  const bool was_reasoning = slot.tracker.is_reasoning();
  slot.tracker.add(piece);
  if (!was_reasoning && !slot.tracker.is_reasoning()) {
    return;
  }
  if (!was_reasoning) {
    slot.has_visible = slot.has_visible || has_visible_text(job, slot);
  }
  ++slot.n_hidden;
  if (!slot.has_visible) {
    slot.n_hidden = slot.reply.n_reasoning_token = std::ssize(slot.reply.tokens);
    slot.reply.log_prob = 0.0;
  }
}

/// Whether the reply may have no further token.
bool is_at_limit(const Engine& engine, const Sampling& sampling, const Slot& slot) {
  const int64_t n_token = std::ssize(slot.reply.tokens);
  if (std::ssize(slot.prompt) + n_token >= engine.context_size()) {
    return true;
  }
  if (!has_own_limit(engine, sampling)) {
    return n_token >= sampling.n_max_token;
  }
  return slot.tracker.is_reasoning() ? slot.n_hidden >= sampling.n_max_reasoning_token
                                     : n_token - slot.n_hidden >= sampling.n_max_token;
}

/// Adds the next token to the slot's reply; returns why the reply ends, if it does.
std::optional<FinishReason> sample(const Job& job, Slot& slot) {
  Engine& engine = job.engine;
  const int32_t token = llama_sampler_sample(slot.sampler.get(), engine.context(), slot.i_output);
  if (llama_vocab_is_eog(engine.vocab(), token)) {
    return FinishReason::kStop;
  }
  Reply& reply = slot.reply;
  const float* row = engine.logits(slot.i_output);
  reply.log_prob += row[token] - log_sum_exp(row, engine.info().n_vocab);
  reply.tokens.push_back(token);
  const std::string piece = common_token_to_piece(engine.vocab(), token, true);
  track(job, piece, slot);
  if (job.listener != nullptr) {
    (*job.listener)({slot.i_request, std::ssize(reply.tokens) - 1, piece});
  }
  return is_at_limit(engine, job.options.sampling, slot) ? std::optional(FinishReason::kLength)
                                                         : std::nullopt;
}

void finish(const Engine& engine, FinishReason reason, Slot& slot) {
  Reply& reply = slot.reply;
  reply.finish = reason;
  reply.text = whole_utf8(common_detokenize(engine.vocab(), reply.tokens, true));
  slot.n_reserved = std::ssize(slot.cached);
  slot.state = SlotState::kDone;
}

/// Hands the replies that are done over; their slots get the next prompts or are free again.
void hand_over(const Job& job, std::vector<Slot>& slots) {
  std::vector<FinishedReply> finished;
  std::vector<Slot*> owners;
  for (Slot& slot : slots) {
    if (slot.state == SlotState::kDone) {
      finished.push_back({slot.i_request, slot.i_reply, {std::move(slot.reply), ""}});
      owners.push_back(&slot);
    }
  }
  std::vector<std::vector<int32_t>> prompts = job.next(finished);
  prompts.resize(owners.size());
  std::vector<FinishedReply> failed;
  for (size_t k = 0; k < owners.size(); ++k) {
    Slot& slot = *owners[k];
    const std::string error = prompts[k].empty() ? "" : rejection_reason(job.engine, prompts[k]);
    if (!error.empty()) {
      failed.push_back({finished[k].i_request, slot.i_reply + 1, {{}, error}});
    }
    if (prompts[k].empty() || !error.empty()) {
      drop_cache(job.engine, slot);
      slot.state = SlotState::kFree;
    } else {
      slot.prompt = std::move(prompts[k]);
      ++slot.i_reply;
      slot.state = SlotState::kReady;
    }
  }
  if (!failed.empty()) {
    (void)job.next(failed);
  }
}

/// The requests that can be processed; the others are handed over as failed.
std::deque<int64_t> accept_requests(const Job& job) {
  std::deque<int64_t> accepted;
  std::vector<FinishedReply> failed;
  for (int64_t i = 0; i < std::ssize(job.requests); ++i) {
    std::string error = rejection_reason(job.engine, job.requests[i].tokens);
    if (error.empty()) {
      accepted.push_back(i);
    } else {
      failed.push_back({i, 0, {{}, std::move(error)}});
    }
  }
  if (!failed.empty()) {
    (void)job.next(failed);
  }
  return accepted;
}

/// One decode for all slots that run.
void advance(const Job& job, std::vector<Slot>& slots, TokenBatch& batch) {
  compose(job.engine, slots, batch);
  job.engine.decode(batch, false);
  for (Slot& slot : slots) {
    if (slot.state != SlotState::kRunning || slot.i_output < 0) {
      continue;
    }
    if (const auto reason = sample(job, slot)) {
      finish(job.engine, *reason, slot);
    }
  }
}

}  // namespace

void run_conversations(Engine& engine,
                       const std::vector<GenerateRequest>& requests,
                       const ConverseOptions& options,
                       const NextPrompts& next,
                       const TokenListener* listener) {
  const Job job{engine, requests, options, next, listener};
  engine.forget();
  std::deque<int64_t> waiting = accept_requests(job);
  std::vector<Slot> slots =
      make_slots(std::clamp(options.n_together, engine.n_reply(), engine.n_parallel()));
  TokenBatch batch(engine.n_batch(), 1);
  while (true) {
    start_ready(job, slots);
    start_waiting(job, slots, waiting);
    if (count(slots, SlotState::kRunning) > 0) {
      advance(job, slots, batch);
      if (count(slots, SlotState::kDone) >= options.n_together) {
        hand_over(job, slots);
      }
    } else if (count(slots, SlotState::kDone) > 0) {
      hand_over(job, slots);
    } else {
      break;
    }
  }
  engine.forget();
}

std::vector<Result<Reply>> run_generation(Engine& engine,
                                          const std::vector<GenerateRequest>& requests,
                                          const Sampling& sampling,
                                          const TokenListener* listener) {
  std::vector<Result<Reply>> outcomes(requests.size());
  const auto keep = [&](const std::vector<FinishedReply>& replies) {
    for (const FinishedReply& finished : replies) {
      outcomes[finished.i_request] = finished.reply;
    }
    return std::vector<std::vector<int32_t>>(replies.size());
  };
  run_conversations(engine, requests, {sampling, 1}, keep, listener);
  return outcomes;
}

}  // namespace mascing
