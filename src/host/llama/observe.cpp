// Shows an observer the inputs and logits of every router: one request at a time, so that the order
// is simple and nothing of another request is in the cache.
#include "host/llama/schedulers.h"

namespace mascing {
namespace {

/// Takes the observer back however the work ends.
class ObserverGuard {
 public:
  ObserverGuard(Engine& engine, const RouterObserver& observer) : engine_(engine) {
    engine_.set_observer(&observer);
  }
  ~ObserverGuard() { engine_.set_observer(nullptr); }
  ObserverGuard(const ObserverGuard&) = delete;
  ObserverGuard& operator=(const ObserverGuard&) = delete;

 private:
  Engine& engine_;
};

std::string why_not(const Engine& engine, const TraceRequest& request) {
  const auto n_token = static_cast<int64_t>(request.tokens.size());
  if (request.span.begin < 0 || request.span.begin >= request.span.end ||
      request.span.end > n_token) {
    return "the span to observe is empty or outside the prompt";
  }
  const auto end = request.tokens.begin() + request.span.end;
  return why_impossible(
      {request.tokens.begin(), end}, engine.context_size(), engine.info().n_vocab);
}

void decode(Engine& engine, TokenBatch& batch) {
  engine.counters.n_prefill_token += batch.size();
  engine.decode(batch, true);
  batch.clear();
}

void observe_one(Engine& engine, TokenBatch& batch, const TraceRequest& request, int64_t i) {
  engine.forget();
  TapColumn column;
  column.steering = engine.active(request.steering);
  for (int64_t t = 0; t < request.span.end; ++t) {
    if (batch.room() == 0) {
      decode(engine, batch);
    }
    const bool in_span = t >= request.span.begin;
    column.i_request = in_span ? i : -1;
    column.i_token = t;
    batch.add(request.tokens[t], t, 0, in_span, column);
  }
  decode(engine, batch);
}

}  // namespace

std::vector<std::string> run_observations(Engine& engine,
                                          const std::vector<TraceRequest>& requests,
                                          const RouterObserver& observer) {
  const ObserverGuard guard(engine, observer);
  std::vector<std::string> errors(requests.size());
  TokenBatch batch(engine.n_batch());
  for (size_t i = 0; i < requests.size(); ++i) {
    errors[i] = why_not(engine, requests[i]);
    if (errors[i].empty()) {
      observe_one(engine, batch, requests[i], static_cast<int64_t>(i));
    }
  }
  return errors;
}

}  // namespace mascing
