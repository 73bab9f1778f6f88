#include "search/adapter_space.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "base/random.h"
#include "mascing/error.h"
#include "stage/adapter_directions.h"

namespace mascing {
namespace {

constexpr int64_t kItemsOfSet = 12;

/// Some items of every set.
std::vector<TraceRequest> texts_of(const std::vector<OutcomeSet>& sets) {
  std::vector<TraceRequest> requests;
  for (const OutcomeSet& set : sets) {
    const int64_t n = std::min(kItemsOfSet, set.size());
    for (int64_t i = 0; i < n; ++i) {
      const int64_t item = i * set.size() / n;
      TraceRequest request;
      request.tokens = set.has_margin() ? set.prompts[item] : set.texts[item].tokens;
      request.span = {0, std::ssize(request.tokens)};
      requests.push_back(std::move(request));
    }
  }
  return requests;
}

std::vector<RouterInputs> read_inputs(CachedEvaluator& evaluator,
                                      const std::vector<TraceRequest>& requests,
                                      int64_t rank,
                                      uint64_t seed) {
  const ModelInfo& info = evaluator.host().describe();
  std::vector<RouterInputs> inputs(info.n_layer,
                                   RouterInputs(rank, info.n_embd, mix_seed(seed, 0x61646170)));
  const RouterObserver keep = [&](const RouterView& view) { inputs[view.i_layer].add(view.input); };
  for (int64_t i = 0; i < std::ssize(requests); ++i) {
    report(evaluator.progress(), {"router inputs", i, std::ssize(requests), "texts", ""});
    (void)evaluator.host().observe({requests[i]}, keep);  // texts that are too long are skipped
  }
  return inputs;
}

}  // namespace

int64_t adapter_rank(const ModelInfo& info, int64_t n_most) {
  const int64_t by_up = n_most / (info.n_layer * info.n_expert);
  const int64_t by_down = kMostDirectionValues / (info.n_layer * info.n_embd);
  return std::clamp<int64_t>(std::min(by_up, by_down), 1, info.n_embd);
}

AdapterSpace make_adapter_space(CachedEvaluator& evaluator,
                                const std::vector<OutcomeSet>& sets,
                                const Mask& zero,
                                uint64_t seed,
                                int64_t n_most) {
  const ModelInfo& info = evaluator.host().describe();
  const std::vector<TraceRequest> requests = texts_of(sets);
  AdapterSpace space;
  space.mask = zero;
  RouterAdapter& adapter = space.mask.adapter;
  adapter.n_embd = info.n_embd;
  adapter.rank = adapter_rank(info, n_most);
  if (adapter.rank < info.n_embd) {  // a basis of tokens needs as many
    int64_t n_token = 0;
    for (const TraceRequest& request : requests) {
      n_token += request.span.size();
    }
    adapter.rank = std::clamp<int64_t>(n_token, 1, adapter.rank);
  }
  adapter.up.assign(info.n_layer * adapter.rank * info.n_expert, 0.0F);
  std::vector<float> down;
  const std::vector<RouterInputs> inputs = read_inputs(evaluator, requests, adapter.rank, seed);
  for (int64_t l = 0; l < info.n_layer; ++l) {
    if (inputs[l].n_token() < (adapter.rank < info.n_embd ? adapter.rank : 1)) {
      throw Error(ErrorKind::kInsufficient,
                  "[search] only " + std::to_string(inputs[l].n_token()) +
                      " tokens to learn what routers read",
                  "use more conversations, or a larger --context if they are too long");
    }
    const std::vector<float> rows = inputs[l].directions(zero.sigma[l]);
    down.insert(down.end(), rows.begin(), rows.end());
    space.n_token = inputs[l].n_token();
  }
  adapter.down = std::make_shared<const std::vector<float>>(std::move(down));
  return space;
}

}  // namespace mascing
