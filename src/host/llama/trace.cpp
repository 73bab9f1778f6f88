// Records router logits: prompts are packed into batches up to the end of their span, longer ones
// in pieces.
#include "host/llama/packer.h"
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
        packer_(engine, true, [] {}) {}

  std::vector<Outcome<RouterTrace>> run() {
    for (size_t i = 0; i < requests_.size(); ++i) {
      outcomes_[i].error = why_not(engine_, requests_[i]);
      if (outcomes_[i].ok()) {
        prepare(i);
        add(i);
      }
    }
    packer_.flush();
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

  void add(size_t i) {
    const TraceRequest& request = requests_[i];
    RouterTrace& trace = outcomes_[i].value;
    const int32_t i_sequence = packer_.begin(1, request.span.end);
    TapColumn column;
    column.steering = engine_.active(request.steering);
    for (int64_t t = 0; t < request.span.end; ++t) {
      const bool in_span = t >= request.span.begin;
      if (in_span) {
        column.record =
            trace.logits.data() + (t - request.span.begin) * trace.n_layer * trace.n_expert;
      }
      packer_.add(request.tokens[t], t, {i_sequence, 1}, in_span, column);
    }
  }

  Engine& engine_;
  const std::vector<TraceRequest>& requests_;
  std::vector<Outcome<RouterTrace>> outcomes_;
  Packer packer_;
};

}  // namespace

std::vector<Outcome<RouterTrace>> run_traces(Engine& engine,
                                             const std::vector<TraceRequest>& requests) {
  return TraceRun(engine, requests).run();
}

}  // namespace mascing
