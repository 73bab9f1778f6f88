// Passes the inputs and logits of every router to an observer, one request at a time, so that the
// order is simple and the cache contains no other request.
#include <functional>

#include "host/llama/schedulers.h"

namespace mascing {
namespace {

/// Removes the observer on every exit path.
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

/// Called after each piece of a prompt was decoded: tokens [first, first + size of the batch).
using AfterPiece = std::function<void(int64_t i_request, int64_t first)>;

void decode(Engine& engine, TokenBatch& batch, bool stops_early) {
  engine.counters.n_prefill_token += batch.size();
  engine.decode(batch, stops_early);
}

void observe_one(Engine& engine,
                 TokenBatch& batch,
                 const TraceRequest& request,
                 int64_t i_request,
                 const AfterPiece& after) {
  engine.forget();
  TapColumn column;
  column.steering = engine.active(request.steering);
  for (int64_t t = 0; t < request.span.end; ++t) {
    const bool in_span = t >= request.span.begin;
    column.i_request = in_span ? i_request : -1;
    column.i_token = t;
    batch.add(request.tokens[t], t, {0, 1}, in_span, column);
    if (batch.room() == 0 || t + 1 == request.span.end) {
      decode(engine, batch, !after);
      if (after) {
        after(i_request, t + 1 - batch.size());
      }
      batch.clear();
    }
  }
}

std::vector<std::string> observe_all(Engine& engine,
                                     const std::vector<TraceRequest>& requests,
                                     TokenBatch& batch,
                                     const AfterPiece& after) {
  std::vector<std::string> errors(requests.size());
  for (int64_t i = 0; i < std::ssize(requests); ++i) {
    errors[i] = why_untraceable(engine, requests[i]);
    if (errors[i].empty()) {
      observe_one(engine, batch, requests[i], i, after);
    }
  }
  return errors;
}

}  // namespace

std::vector<std::string> run_observations(Engine& engine,
                                          const std::vector<TraceRequest>& requests,
                                          const RouterObserver& observer) {
  const ObserverGuard guard(engine, observer);
  TokenBatch batch(engine.n_batch(), 1);
  return observe_all(engine, requests, batch, {});
}

std::vector<std::string> run_output_observations(Engine& engine,
                                                 const std::vector<TraceRequest>& requests,
                                                 const OutputObserver& observer) {
  TokenBatch batch(engine.n_batch(), 1);
  const AfterPiece show = [&](int64_t i_request, int64_t first) {
    const TokenSpan span = requests[i_request].span;
    for (int64_t i = 0; i < batch.size(); ++i) {
      if (first + i >= span.begin) {
        observer({i_request, first + i, engine.logits(to_int32(i))});
      }
    }
  };
  return observe_all(engine, requests, batch, show);
}

}  // namespace mascing
