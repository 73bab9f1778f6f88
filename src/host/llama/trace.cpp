// Records router logits. Prompts that begin alike are computed once up to where they part: a token
// that several of them have stands in the batch once, as a member of all their sequences, and what
// the next batch goes on from stays in the cache. Prompts under different steerings share nothing.
#include <algorithm>
#include <cstring>

#include "host/llama/prefix_plan.h"
#include "host/llama/schedulers.h"

namespace mascing {
namespace {

/// Whether two active steerings do the same to a token that has the same tokens before it.
bool same(const Steering& a, const Steering& b) {
  return a.mask == b.mask && a.alpha == b.alpha && a.rule == b.rule && a.control == b.control;
}

/// Numbers the steerings of requests, so that equal ones have equal numbers.
class SteeringGroups {
 public:
  /// `steering`: null = none.
  int64_t of(const Steering* steering) {
    if (steering == nullptr) {
      return 0;
    }
    if (steering->mask != nullptr && steering->mask->uses(SigmaRule::kBatch)) {
      return PlannedPrompt::kAlone;
    }
    const auto known = std::find_if(
        seen_.begin(), seen_.end(), [&](const Steering* other) { return same(*other, *steering); });
    const int64_t group = known - seen_.begin() + 1;
    if (known == seen_.end()) {
      seen_.push_back(steering);
    }
    return group;
  }

 private:
  std::vector<const Steering*> seen_;
};

class TraceRun {
 public:
  TraceRun(Engine& engine, const std::vector<TraceRequest>& requests)
      : engine_(engine),
        requests_(requests),
        results_(requests.size()),
        n_row_value_(engine.info().n_layer * engine.info().n_expert),
        batch_(engine.n_batch(), engine.n_parallel()),
        plan_(prepare()) {}

  std::vector<Result<RouterTrace>> run() {
    const WaveLimits limits{engine_.n_parallel(), engine_.n_cell(), engine_.n_batch()};
    int32_t i_last_sequence = 0;
    engine_.forget();
    for (int64_t begin = 0; begin < plan_.size();) {
      const Wave wave = plan_.wave(begin, limits);
      open(wave, i_last_sequence);
      for (int64_t place = wave.begin; place < wave.end; ++place) {
        add_own_tokens(wave, place);
      }
      decode();
      i_last_sequence = wave.sequences.back();
      begin = wave.end;
    }
    for (const Repeat& repeat : repeats_) {
      std::memcpy(repeat.to, repeat.from, n_row_value_ * sizeof(uint16_t));
    }
    engine_.forget();
    return std::move(results_);
  }

 private:
  /// A row that another request has recorded.
  struct Repeat {
    uint16_t* to = nullptr;
    const uint16_t* from = nullptr;
  };

  /// Checks the requests and makes room for their rows.
  PrefixPlan prepare() {
    std::vector<PlannedPrompt> prompts;
    SteeringGroups groups;
    for (size_t i = 0; i < requests_.size(); ++i) {
      const TraceRequest& request = requests_[i];
      results_[i].error = why_untraceable(engine_, request);
      if (!results_[i].ok()) {
        continue;
      }
      RouterTrace& trace = results_[i].value;
      trace.n_token = request.span.size();
      trace.n_layer = engine_.info().n_layer;
      trace.n_expert = engine_.info().n_expert;
      trace.logits.resize(trace.n_token * n_row_value_);
      const Steering* steering = engine_.active(request.steering);
      const int64_t group = groups.of(steering);
      prompts.push_back({request.tokens.data(),
                         request.span.end,
                         engine_.can_share() ? group : PlannedPrompt::kAlone});
      index_.push_back(i);
      steerings_.push_back(steering);
    }
    return PrefixPlan(std::move(prompts));
  }

  /// Leaves in the cache what the wave's prompts begin with, for each of its sequences. What is no
  /// longer there is computed once more.
  void open(const Wave& wave, int32_t i_last_sequence) {
    if (wave.n_kept == 0) {
      engine_.forget();
      return;
    }
    if (!engine_.keep_only(i_last_sequence, wave.n_kept)) {
      add_tokens(wave, wave.begin, {0, wave.n_kept}, false);
      return;
    }
    int64_t n_common = wave.n_kept;
    for (int64_t place = wave.begin + 1; place < wave.end && n_common > 0; ++place) {
      n_common = std::min(n_common, plan_.n_shared(place));
      const int32_t sequence = wave.sequences[place - wave.begin];
      if (n_common > 0 && sequence != wave.sequences[place - wave.begin - 1]) {
        engine_.share_with(sequence, n_common);
      }
    }
  }

  void add_own_tokens(const Wave& wave, int64_t place) {
    const TraceRequest& request = requests_[index_[plan_.prompt(place)]];
    add_tokens(wave, place, {plan_.n_shared(place), request.span.end}, true);
  }

  /// Tokens of one place, each as a member of the sequences of all that begin with it.
  void add_tokens(const Wave& wave, int64_t place, TokenSpan tokens, bool is_recorded) {
    const TraceRequest& request = requests_[index_[plan_.prompt(place)]];
    const int32_t first = wave.sequences[place - wave.begin];
    TapColumn column;
    column.steering = steerings_[plan_.prompt(place)];
    for (int64_t t = tokens.begin; t < tokens.end; ++t) {
      if (batch_.room() == 0) {
        decode();
      }
      const int64_t end = plan_.end_of_sharers(place, t + 1, wave.end);
      const int32_t last = wave.sequences[end - 1 - wave.begin];
      column.record = is_recorded ? place_to_record(place, t) : nullptr;
      batch_.add(request.tokens[t], t, {first, last - first + 1}, column.record != nullptr, column);
    }
  }

  /// Where token t goes that `place` is the first to have: into the first trace that wants it; the
  /// others, of later waves too, repeat that row at the end. Null if none does.
  uint16_t* place_to_record(int64_t place, int64_t t) {
    uint16_t* first = nullptr;
    const int64_t end = plan_.end_of_sharers(place, t + 1, plan_.size());
    for (int64_t i = place; i < end; ++i) {
      const size_t i_request = index_[plan_.prompt(i)];
      const TokenSpan span = requests_[i_request].span;
      if (t < span.begin || t >= span.end) {
        continue;
      }
      uint16_t* row = results_[i_request].value.logits.data() + (t - span.begin) * n_row_value_;
      if (first == nullptr) {
        first = row;
      } else {
        repeats_.push_back({row, first});
      }
    }
    return first;
  }

  void decode() {
    if (batch_.size() > 0) {
      engine_.counters.n_prefill_token += batch_.size();
      engine_.decode(batch_, true);
      batch_.clear();
    }
  }

  Engine& engine_;
  const std::vector<TraceRequest>& requests_;
  std::vector<Result<RouterTrace>> results_;
  int64_t n_row_value_;  ///< L * E
  TokenBatch batch_;
  std::vector<size_t> index_;               ///< requests that can be traced, [P]
  std::vector<const Steering*> steerings_;  ///< [P] null = none
  std::vector<Repeat> repeats_;
  PrefixPlan plan_;
};

}  // namespace

std::vector<Result<RouterTrace>> run_traces(Engine& engine,
                                            const std::vector<TraceRequest>& requests) {
  return TraceRun(engine, requests).run();
}

std::vector<int64_t> order_of_traces(const std::vector<TraceRequest>& requests) {
  std::vector<PlannedPrompt> prompts;
  prompts.reserve(requests.size());
  SteeringGroups groups;
  for (const TraceRequest& request : requests) {
    prompts.push_back({request.tokens.data(),
                       std::ssize(request.tokens),
                       groups.of(is_active(request.steering) ? &request.steering : nullptr)});
  }
  const PrefixPlan plan(std::move(prompts));
  std::vector<int64_t> order;
  for (int64_t place = 0; place < plan.size(); ++place) {
    order.push_back(plan.prompt(place));
  }
  return order;
}

}  // namespace mascing
