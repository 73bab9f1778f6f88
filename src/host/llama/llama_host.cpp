// The Host that runs GGUF files through libllama: a shell over engines and the schedulers.
// Small models get several engines of one thread each, which share the weights and divide the
// requests: the barriers between the threads of one engine would cost them more than they gain.
#include "mascing/llama_host.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <exception>
#include <mutex>
#include <thread>

#include <common.h>

#include "host/llama/engine.h"
#include "host/llama/schedulers.h"
#include "host/llama/tokenizer.h"
#include "mascing/error.h"

namespace mascing {
namespace {

// Cells of a cache whose gradient is kept as well, and tokens of a batch: more only if a request
// asks for them.
constexpr int64_t kDifferentiatedCells = 4096;
constexpr int64_t kDifferentiatedBatch = 512;

int64_t size_of(const ScoreRequest& request) {
  return std::ssize(request.tokens) * (request.with_divergence ? 2 : 1);
}
template <typename Request>
int64_t size_of(const Request& request) {
  return std::ssize(request.tokens);
}

/// Cells that a request needs at most: openings share what they can.
int64_t cells_of(const GradientRequest& request) {
  int64_t n_token = std::ssize(request.tokens);
  for (size_t k = 0; request.openings && k < request.openings->size(); ++k) {
    n_token += std::ssize((*request.openings)[k]);
  }
  return n_token;
}

/// Cells from which on a model rotates by its factors for long contexts; 0 if it has one kind only.
int64_t cells_of_long_context(const LoadedModel& model) {
  std::string text(32, '\0');
  const std::string key = model.info.architecture + ".rope.scaling.original_context_length";
  const int32_t n =
      llama_model_meta_val_str(model.weights.get(), key.c_str(), text.data(), text.size());
  return n > 0 ? std::strtoll(text.c_str(), nullptr, 10) + 1 : 0;
}

/// Adds the time until its end.
class AddedTime {
 public:
  explicit AddedTime(double& seconds) : seconds_(seconds) {}
  AddedTime(const AddedTime&) = delete;
  AddedTime& operator=(const AddedTime&) = delete;
  ~AddedTime() {
    seconds_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  double& seconds_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

/// Requests divided into neighbouring parts of about the same number of tokens.
template <typename Request>
std::vector<std::vector<Request>> divide(const std::vector<Request>& requests, int64_t n_part) {
  int64_t n_token = 0;
  for (const Request& request : requests) {
    n_token += size_of(request);
  }
  std::vector<std::vector<Request>> parts(n_part);
  int64_t n_before = 0;
  for (const Request& request : requests) {
    const int64_t part = n_before * n_part / std::max<int64_t>(1, n_token);
    parts[std::min(part, n_part - 1)].push_back(request);
    n_before += size_of(request);
  }
  return parts;
}

/// One token, recorded: a router that does not show itself is told now, not after hours of work.
void require_visible_routers(Engine& engine) {
  const ModelInfo& info = engine.info();
  std::vector<uint16_t> record(info.n_layer * info.n_expert);
  TokenBatch batch(1, 1);
  TapColumn column;
  column.record = record.data();
  batch.add(0, 0, {0, 1}, true, column);
  engine.decode(batch, true);
  engine.forget();
}

class LlamaHost : public Host {
 public:
  explicit LlamaHost(LlamaHostOptions options)
      : model_(std::make_shared<const LoadedModel>(options)) {
    const int64_t n_core = std::max(1U, std::thread::hardware_concurrency());
    options.n_thread = options.n_thread > 0 ? options.n_thread : n_core;
    int64_t n_engine = 1;
    if (model_->is_small() && options.engine.rpc_servers.empty()) {
      std::swap(n_engine, options.n_thread);
    }
    for (int64_t i = 0; i < n_engine; ++i) {
      engines_.push_back(
          std::make_unique<Engine>(model_, options, Engine::Purpose::kServe, watch_));
    }
    options_ = std::move(options);
    require_visible_routers(*engines_.front());
  }

  [[nodiscard]] const ModelInfo& describe() const override { return model_->info; }
  [[nodiscard]] Prompt render(const Conversation& conversation) const override {
    return model_->chat->render(conversation);
  }
  [[nodiscard]] std::vector<int32_t> render_whole(
      const std::vector<Message>& messages) const override {
    return model_->chat->render_whole(messages);
  }
  [[nodiscard]] std::string chat_template() const override { return model_->chat->source(); }
  [[nodiscard]] std::string engine() const override { return MASCING_ENGINE; }
  [[nodiscard]] std::string quantisation() const override;
  [[nodiscard]] std::map<std::string, std::string> settings() const override {
    return settings_of(options_.engine);
  }
  [[nodiscard]] std::vector<int32_t> render_visible(
      const Conversation& conversation) const override {
    return model_->chat->render_visible(conversation);
  }
  [[nodiscard]] ReasoningMarks reasoning_marks() const override { return model_->chat->marks(); }
  [[nodiscard]] std::vector<int32_t> tokenize(const std::string& text,
                                              bool begin_of_text) const override {
    return tokenize_text(engines_.front()->vocab(), text, begin_of_text, false);
  }
  [[nodiscard]] std::string piece(int32_t token) const override {
    return common_token_to_piece(engines_.front()->vocab(), token, true);
  }
  [[nodiscard]] int64_t context_size() const override { return engines_.front()->context_size(); }
  [[nodiscard]] bool reads_in_turn() const override { return !engines_.front()->can_share(); }

  /// Prompts that begin alike go to the same engine.
  std::vector<Result<RouterTrace>> trace(const std::vector<TraceRequest>& requests) override {
    if (engines_.size() == 1) {
      return on_engines<RouterTrace>(requests, run_traces);
    }
    const std::vector<int64_t> order = order_of_traces(requests);
    std::vector<TraceRequest> sorted;
    sorted.reserve(order.size());
    for (const int64_t i : order) {
      sorted.push_back(requests[i]);
    }
    auto outcomes = on_engines<RouterTrace>(sorted, run_traces);
    std::vector<Result<RouterTrace>> result(outcomes.size());
    for (size_t k = 0; k < order.size(); ++k) {
      result[order[k]] = std::move(outcomes[k]);
    }
    return result;
  }
  std::vector<std::string> observe(const std::vector<TraceRequest>& requests,
                                   const RouterObserver& observer) override {
    const AddedTime time(seconds_);
    watch_->begin(seconds_);
    return run_observations(*engines_.front(), requests, observer);
  }
  std::vector<std::string> observe_outputs(const std::vector<TraceRequest>& requests,
                                           const OutputObserver& observer) override {
    const AddedTime time(seconds_);
    watch_->begin(seconds_);
    return run_output_observations(*engines_.front(), requests, observer);
  }
  std::vector<Result<Reply>> generate(const std::vector<GenerateRequest>& requests,
                                      const Sampling& sampling) override {
    require_cache();
    const auto run = [&](Engine& engine, const std::vector<GenerateRequest>& part) {
      return run_generation(engine, part, sampling);
    };
    return on_engines<Reply>(requests, run);
  }
  std::vector<Result<Reply>> stream(const std::vector<GenerateRequest>& requests,
                                    const Sampling& sampling,
                                    const TokenListener& listener) override {
    require_cache();
    std::exception_ptr failure;  // of `listener`: ends the work of all engines
    std::vector<Result<Reply>> all(requests.size());
    on_parts(engines_,
             requests,
             [&](Engine& engine, const std::vector<GenerateRequest>& part, int64_t first) {
               const TokenListener listener_of_part = [&](const TokenView& token) {
                 const std::lock_guard<std::mutex> lock(watch_->mutex());
                 if (failure) {
                   std::rethrow_exception(failure);
                 }
                 try {
                   listener({token.i_request + first, token.i_token, token.text});
                 } catch (...) {
                   failure = std::current_exception();
                   throw;
                 }
               };
               auto outcomes = run_generation(engine, part, sampling, &listener_of_part);
               std::move(outcomes.begin(), outcomes.end(), all.begin() + first);
             });
    return all;
  }
  void converse(const std::vector<GenerateRequest>& requests,
                const ConverseOptions& options,
                const NextPrompts& next) override {
    require_cache();
    std::exception_ptr failure;  // of `next`: ends the work of all engines
    on_parts(engines_,
             requests,
             [&](Engine& engine, const std::vector<GenerateRequest>& part, int64_t first) {
               const auto next_of_part = [&](std::vector<FinishedReply> replies) {
                 for (FinishedReply& reply : replies) {
                   reply.i_request += first;
                 }
                 const std::lock_guard<std::mutex> lock(watch_->mutex());
                 if (failure) {
                   std::rethrow_exception(failure);
                 }
                 try {
                   return next(replies);
                 } catch (...) {
                   failure = std::current_exception();
                   throw;
                 }
               };
               run_conversations(engine, part, options, next_of_part);
             });
  }
  std::vector<Result<Score>> score(const std::vector<ScoreRequest>& requests) override {
    require_cache();
    return on_engines<Score>(requests, run_scores);
  }
  std::vector<Result<Probe>> probe(const std::vector<ProbeRequest>& requests) override {
    require_cache();
    return on_engines<Probe>(requests, run_probes);
  }
  std::vector<Result<Residual>> residuals(const std::vector<ResidualRequest>& requests) override {
    return on_engines<Residual>(requests, run_residuals);
  }

  [[nodiscard]] std::string why_no_gradients() const override {
    const bool is_on_device = !model_->has_cpu_only && options_.n_gpu_layer != 0;
    return is_on_device ? "the model runs on a GPU or an rpc-server, exact gradients on the "
                          "processor only"
                        : "";
  }
  /// On engines and weights of their own, which are opened at the first call. The file is mapped,
  /// so what it shares with the other weights is in memory once.
  std::vector<Result<SteerGradient>> gradients(
      const std::vector<GradientRequest>& requests) override {
    watch_->begin(seconds_);
    open_differentiators(requests);
    std::vector<Result<SteerGradient>> all(requests.size());
    on_parts(differentiators_,
             requests,
             [&](Engine& engine, const std::vector<GradientRequest>& part, int64_t first) {
               auto outcomes = run_gradients(engine, part);
               std::move(outcomes.begin(), outcomes.end(), all.begin() + first);
             });
    return all;
  }

  HostWatch set_watch(HostWatch watch) override { return watch_->set(std::move(watch)); }
  [[nodiscard]] HostCounters counters() const override {
    HostCounters sum;
    for (const auto* engines : {&engines_, &differentiators_}) {
      for (const auto& engine : *engines) {
        sum.n_prefill_token += engine->counters.n_prefill_token;
        sum.n_generated_token += engine->counters.n_generated_token;
      }
    }
    sum.seconds = seconds_;
    return sum;
  }

 private:
  /// A reply is written, and a likelihood read, from left to right.
  void require_cache() const {
    if (!engines_.front()->has_cache()) {
      throw Error(ErrorKind::kHost,
                  "[host] " + model_->info.architecture +
                      " is a diffusion model: it does not write a reply token by token",
                  "only its routers can be looked at: mascing inspect, mascing trace");
    }
  }

  /// With a cache that takes the largest request, as far as the context goes. Rope factors that
  /// depend on the size of the context are those of the other engines.
  void open_differentiators(const std::vector<GradientRequest>& requests) {
    int64_t n_cell = std::max(kDifferentiatedCells, cells_of_long_context(*model_));
    for (const GradientRequest& request : requests) {
      n_cell = std::max(n_cell, cells_of(request));
    }
    n_cell = std::min(n_cell, engines_.front()->n_cell());
    if (!differentiators_.empty() && n_cell <= differentiators_.front()->n_cell()) {
      return;
    }
    if (!plain_) {
      plain_ =
          std::make_shared<const LoadedModel>(options_, model_->info, LoadedModel::Weights::kPlain);
    }
    LlamaHostOptions options = options_;
    options.n_context = n_cell;
    options.n_batch = std::max(options.n_batch, kDifferentiatedBatch);
    std::vector<std::unique_ptr<Engine>> opened;
    for (size_t i = 0; i < engines_.size(); ++i) {
      opened.push_back(
          std::make_unique<Engine>(plain_, options, Engine::Purpose::kDifferentiate, watch_));
      if (!differentiators_.empty()) {
        opened.back()->counters = differentiators_[i]->counters;
      }
    }
    differentiators_ = std::move(opened);
  }

  template <typename Value, typename Request, typename Run>
  std::vector<Result<Value>> on_engines(const std::vector<Request>& requests, Run run) {
    std::vector<Result<Value>> all(requests.size());
    on_parts(
        engines_, requests, [&](Engine& engine, const std::vector<Request>& part, int64_t first) {
          std::vector<Result<Value>> outcomes = run(engine, part);
          std::move(outcomes.begin(), outcomes.end(), all.begin() + first);
        });
    return all;
  }

  /// Runs each part of the requests on an engine of its own, all at once. `work` also learns how
  /// many requests stand before its part.
  template <typename Request, typename Work>
  void on_parts(const std::vector<std::unique_ptr<Engine>>& engines,
                const std::vector<Request>& requests,
                Work work) {
    const AddedTime time(seconds_);
    watch_->begin(seconds_);
    const auto parts = divide(requests, std::ssize(engines));
    std::mutex mutex;
    std::exception_ptr failure;  // the first; it ends the work of the other engines
    const auto run_part = [&](size_t i, int64_t first) {
      try {
        work(*engines[i], parts[i], first);
      } catch (...) {
        const std::lock_guard<std::mutex> lock(mutex);
        failure = failure ? failure : std::current_exception();
        watch_->stop();
      }
    };
    {
      std::vector<std::jthread> threads;
      for (size_t i = 1, first = parts[0].size(); i < parts.size(); first += parts[i++].size()) {
        if (!parts[i].empty()) {
          threads.emplace_back(run_part, i, first);
        }
      }
      run_part(0, 0);
    }
    if (failure) {
      std::rethrow_exception(failure);
    }
  }

  std::shared_ptr<const LoadedModel> model_;
  std::shared_ptr<CallWatch> watch_ = std::make_shared<CallWatch>();
  LlamaHostOptions options_;  ///< of the engines that differentiate
  std::vector<std::unique_ptr<Engine>> engines_;
  std::shared_ptr<const LoadedModel> plain_;              ///< likewise
  std::vector<std::unique_ptr<Engine>> differentiators_;  ///< none before they are needed
  double seconds_ = 0.0;
};

/// The third word and what follows it of libllama's description: "qwen3moe 30B.A3B Q4_K - Medium".
std::string LlamaHost::quantisation() const {
  std::string text(128, '\0');
  const int32_t n = llama_model_desc(model_->weights.get(), text.data(), text.size());
  text.resize(std::clamp<int64_t>(n, 0, std::ssize(text)));
  const size_t first = text.find(' ');
  const size_t second = first == std::string::npos ? first : text.find(' ', first + 1);
  return second == std::string::npos ? text : text.substr(second + 1);
}

}  // namespace

std::unique_ptr<Host> open_llama_host(const LlamaHostOptions& options) {
  return std::make_unique<LlamaHost>(options);
}

}  // namespace mascing
