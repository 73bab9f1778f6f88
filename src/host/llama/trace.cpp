// Records router logits: prompts are packed into batches up to the end of their span, longer ones
// in pieces.
#include "host/llama/schedulers.h"

namespace mascing {
namespace {

std::string why_not(const Engine& engine, const TraceRequest& request) {
  const auto n_token = static_cast<int64_t>(request.tokens.size());
  if (request.span.begin < 0 || request.span.begin >= request.span.end ||
      request.span.end > n_token) {
    return "the span to trace is empty or outside the prompt";
  }
  const auto end = request.tokens.begin() + request.span.end;
  return why_impossible(
      {request.tokens.begin(), end}, engine.context_size(), engine.info().n_vocab);
}

class TraceRun {
 public:
  TraceRun(Engine& engine, const std::vector<TraceRequest>& requests)
      : engine_(engine),
        requests_(requests),
        outcomes_(requests.size()),
        batch_(engine.n_batch()) {}

  std::vector<Outcome<RouterTrace>> run() {
    engine_.forget();
    for (size_t i = 0; i < requests_.size(); ++i) {
      outcomes_[i].error = why_not(engine_, requests_[i]);
      if (outcomes_[i].ok()) {
        prepare(i);
        add(i);
      }
    }
    flush();
    return std::move(outcomes_);
  }

 private:
  void prepare(size_t i) {
    RouterTrace& trace = outcomes_[i].value;
    trace.n_token = requests_[i].span.size();
    trace.n_layer = engine_.info().n_layer;
    trace.n_expert = engine_.info().n_expert;
    trace.logits.resize(static_cast<size_t>(trace.n_token * trace.n_layer * trace.n_expert));
  }

  /// Puts a request into the running batch, or into fresh ones if it does not fit.
  void add(size_t i) {
    const int64_t n_token = requests_[i].span.end;
    const bool fits = n_token <= batch_.room() && n_sequence_ < engine_.n_parallel() &&
                      n_cell_ + n_token <= engine_.n_cell();
    if (!fits) {
      flush();
    }
    const auto i_sequence = static_cast<int32_t>(n_sequence_++);
    const Steering* steering = engine_.active(requests_[i].steering);
    n_cell_ += n_token;
    for (int64_t t = 0; t < n_token; ++t) {
      if (batch_.room() == 0) {
        decode();
      }
      add_token(i, t, i_sequence, steering);
    }
  }

  void add_token(size_t i, int64_t t, int32_t i_sequence, const Steering* steering) {
    const TraceRequest& request = requests_[i];
    RouterTrace& trace = outcomes_[i].value;
    const bool in_span = t >= request.span.begin;
    TapColumn column;
    column.steering = steering;
    if (in_span) {
      column.record =
          trace.logits.data() + (t - request.span.begin) * trace.n_layer * trace.n_expert;
    }
    batch_.add(request.tokens[t], t, i_sequence, in_span, column);
  }

  void decode() {
    if (batch_.size() > 0) {
      engine_.counters.n_prefill_token += batch_.size();
      engine_.decode(batch_, true);
      batch_.clear();
    }
  }

  void flush() {
    decode();
    engine_.forget();
    n_sequence_ = 0;
    n_cell_ = 0;
  }

  Engine& engine_;
  const std::vector<TraceRequest>& requests_;
  std::vector<Outcome<RouterTrace>> outcomes_;
  TokenBatch batch_;
  int64_t n_sequence_ = 0;
  int64_t n_cell_ = 0;
};

}  // namespace

std::vector<Outcome<RouterTrace>> run_traces(Engine& engine,
                                             const std::vector<TraceRequest>& requests) {
  return TraceRun(engine, requests).run();
}

}  // namespace mascing
