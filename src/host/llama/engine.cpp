// Decodes in which one micro-batch holds the whole batch, so that the
// order of its tokens is the order in which they were added (the cache is unified; recurrent and
// hybrid models, which regroup tokens by sequence, get one sequence at a time).
#include "host/llama/engine.h"

#include <algorithm>
#include <utility>

#include <ggml-backend.h>

#include "format/model_file.h"
#include "host/llama/engine_params.h"
#include "mascing/error.h"

namespace mascing {
namespace {

constexpr int64_t kMostSequences = 256;  // of libllama
constexpr int64_t kOpeningsAtOnce = 4;   // sequences for each conversation in parallel
constexpr int32_t kAborted = 2;          // llama_decode's word for a decode that its callback ended

int64_t count_sequences(const LlamaHostOptions& options) {
  const int64_t n_wanted = options.engine.n_sequence > 0 ? options.engine.n_sequence
                                                         : options.n_parallel * kOpeningsAtOnce;
  return std::max(options.n_parallel, std::min(n_wanted, kMostSequences));
}

}  // namespace

Engine::Engine(std::shared_ptr<const LoadedModel> model,
               const LlamaHostOptions& options,
               Purpose purpose,
               std::shared_ptr<CallWatch> watch)
    : model_(std::move(model)),
      watch_(std::move(watch)),
      tap_(std::make_unique<RouterTap>(model_->info)) {
  llama_model* weights = model_->weights.get();
  const bool regroups = llama_model_is_recurrent(weights) || llama_model_is_hybrid(weights);
  const int64_t n_train = llama_model_n_ctx_train(weights);
  can_share_ = !regroups;
  can_stop_ = model_->has_cpu_only;
  n_parallel_ = regroups ? 1 : std::max<int64_t>(1, options.n_parallel);
  n_batch_ = std::max<int64_t>(n_parallel_, options.n_batch);
  // libllama makes room for an output of each sequence in every batch.
  n_sequence_ = regroups ? 1 : std::min(count_sequences(options), n_batch_);
  n_cell_ = std::max<int64_t>(256, std::min(options.n_context, n_train * n_parallel_));
  n_context_ = std::min(n_cell_, n_train);
  n_batch_ = std::min(n_batch_, n_cell_);  // as libllama does
  n_thread_ = options.n_thread;
  llama_context_params params = llama_context_default_params();
  params.n_ctx = to_int32(n_cell_);
  params.n_batch = params.n_ubatch = to_int32(n_batch_);
  params.n_seq_max = to_int32(n_sequence_);
  params.n_threads = params.n_threads_batch = to_int32(options.n_thread);
  params.kv_unified = true;
  params.no_perf = true;
  params.cb_eval = RouterTap::on_tensor;
  params.cb_eval_user_data = tap_.get();
  if (watch_) {
    params.abort_callback = CallWatch::on_node;
    params.abort_callback_data = watch_.get();
  }
  set_context_options(options.engine, params);
  if (purpose == Purpose::kDifferentiate) {
    params.flash_attn_type = LLAMA_FLASH_ATTN_TYPE_DISABLED;
    params.type_k = params.type_v = options.has_full_precision ? GGML_TYPE_F32 : GGML_TYPE_F16;
    params.offload_kqv = params.op_offload = false;
  }
  context_.reset(llama_init_from_model(weights, params));
  if (!context_) {
    throw Error(ErrorKind::kHost,
                "[host] libllama cannot open a context of " + std::to_string(n_cell_) +
                    " cells: " + take_log_errors(),
                "try a smaller --context, or other types of the cache");
  }
  std::vector<llama_adapter_lora*> adapters = model_->adapters;
  std::vector<float> scales = model_->scales;
  can_share_ = can_share_ && has_cache();
  if (!adapters.empty()) {
    llama_set_adapters_lora(context_.get(), adapters.data(), adapters.size(), scales.data());
  }
}

// Keys and values of free cells are masked, whatever they are; to write zeros over gigabytes after
// every decode would cost more than small models compute. A recurrent state is not masked.
void Engine::forget() {
  const bool is_wiped = !can_share_;
  llama_memory_clear(llama_get_memory(context_.get()), is_wiped);
}

void Engine::forget(int32_t i_sequence) {
  llama_memory_seq_rm(llama_get_memory(context_.get()), i_sequence, -1, -1);
}

std::vector<uint8_t> Engine::save_state() {
  constexpr llama_state_seq_flags kPart = LLAMA_STATE_SEQ_FLAGS_PARTIAL_ONLY;
  std::vector<uint8_t> state(llama_state_seq_get_size_ext(context_.get(), 0, kPart));
  state.resize(llama_state_seq_get_data_ext(context_.get(), state.data(), state.size(), 0, kPart));
  return state;
}

void Engine::restore_state(const std::vector<uint8_t>& state, int64_t n_token) {
  constexpr llama_state_seq_flags kPart = LLAMA_STATE_SEQ_FLAGS_PARTIAL_ONLY;
  const size_t n_read =
      llama_state_seq_set_data_ext(context_.get(), state.data(), state.size(), 0, kPart);
  if (n_read != state.size() || !forget_from(0, n_token)) {
    throw Error(ErrorKind::kHost, "[host] the cache of this model does not take a state back");
  }
}

// Of a layer with a sliding window, libllama gives cells away that lie outside the window of their
// sequence's last token: a sequence that is cut back may lack what its new end looks at.
bool Engine::has_window(int32_t i_sequence, int64_t n_token) const {
  const int64_t n_window = llama_model_n_swa(model_->weights.get());
  if (n_window == 0 || n_token == 0) {
    return true;
  }
  const int64_t first = llama_memory_seq_pos_min(llama_get_memory(context_.get()), i_sequence);
  return first >= 0 && first <= std::max<int64_t>(0, n_token - n_window);
}

bool Engine::keep_only(int32_t i_sequence, int64_t n_token) {
  const llama_memory_t memory = llama_get_memory(context_.get());
  const llama_pos end = to_int32(n_token);
  if (i_sequence != 0) {
    llama_memory_seq_rm(memory, 0, -1, -1);
    llama_memory_seq_cp(memory, i_sequence, 0, 0, end);
  } else if (!llama_memory_seq_rm(memory, 0, end, -1)) {
    throw Error(ErrorKind::kHost, "[host] the cache of this model cannot be truncated to a prefix");
  }
  llama_memory_seq_keep(memory, 0);
  const bool is_whole = has_window(0, n_token);
  if (!is_whole) {
    forget();
  }
  return is_whole;
}

void Engine::share_with(int32_t i_sequence, int64_t n_token) {
  llama_memory_seq_cp(llama_get_memory(context_.get()), 0, i_sequence, 0, to_int32(n_token));
}

bool Engine::forget_from(int32_t i_sequence, int64_t begin) {
  const llama_memory_t memory = llama_get_memory(context_.get());
  return llama_memory_seq_rm(memory, i_sequence, to_int32(begin), -1) &&
         has_window(i_sequence, begin);
}

void Engine::require_not_stopped() {
  if (!watch_) {
    return;
  }
  watch_->add(counters.n_prefill_token - told_.n_prefill_token,
              counters.n_generated_token - told_.n_generated_token);
  told_ = counters;
  watch_->require_not_stopped();
}

void Engine::decode(TokenBatch& batch, bool stop_after_routers) {
  require_not_stopped();
  std::vector<int32_t> outputs;
  for (int32_t i = 0; i < batch.batch_.n_tokens; ++i) {
    if (batch.batch_.logits[i] != 0) {
      outputs.push_back(i);
    }
  }
  if (outputs.empty()) {
    outputs.push_back(batch.batch_.n_tokens - 1);
    batch.flag_output(outputs.back());
  }
  tap_->plan(batch.columns_, std::move(outputs), stop_after_routers && can_stop_);
  ++n_decode_;
  const int32_t status = llama_decode(context_.get(), batch.batch_);
  llama_synchronize(context_.get());
  if (status == kAborted) {
    require_not_stopped();
  }
  if (status != 0) {
    throw Error(ErrorKind::kHost,
                "[host] llama_decode failed with status " + std::to_string(status) + ": " +
                    take_log_errors(),
                status == 1 ? "the cache is full; try a larger --context"
                            : "check that there is enough memory");
  }
  tap_->finish();
}

const float* Engine::logits(int32_t i_token) {
  const float* row = llama_get_logits_ith(context_.get(), i_token);
  if (row == nullptr) {
    throw Error(ErrorKind::kHost,
                "[host] libllama has no logits for token " + std::to_string(i_token));
  }
  return row;
}

const Steering* Engine::active(const Steering& steering) const {
  require_fit(steering, info());
  return is_active(steering) ? &steering : nullptr;
}

std::string why_impossible(const std::vector<int32_t>& tokens,
                           int64_t context_size,
                           int64_t n_vocab) {
  if (tokens.empty()) {
    return "no tokens";
  }
  if (std::ssize(tokens) > context_size) {
    return "too long: " + std::to_string(tokens.size()) + " tokens, the context size is " +
           std::to_string(context_size);
  }
  const bool known =
      std::all_of(tokens.begin(), tokens.end(), [&](int32_t t) { return t >= 0 && t < n_vocab; });
  return known ? "" : "a token is outside the vocabulary";
}

std::string why_untraceable(const Engine& engine, const TraceRequest& request) {
  const int64_t n_token = std::ssize(request.tokens);
  if (request.span.begin < 0 || request.span.begin >= request.span.end ||
      request.span.end > n_token) {
    return "the span of the final message is empty or outside the prompt";
  }
  if (!engine.has_cache() && request.span.end > engine.n_batch()) {
    return "a diffusion model reads a prompt in one piece, and one batch has " +
           std::to_string(engine.n_batch()) + " tokens";
  }
  const auto end = request.tokens.begin() + request.span.end;
  return why_impossible(
      {request.tokens.begin(), end}, engine.context_size(), engine.info().n_vocab);
}

}  // namespace mascing
