#include "search/adapter_space.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "base/random.h"
#include "base/spread.h"
#include "mascing/error.h"
#include "stage/adapter_directions.h"

namespace mascing {
namespace {

constexpr int64_t kItemsOfSet = 12;

/// An item of a set whose router inputs are read.
struct ReadItem {
  const OutcomeSet* set = nullptr;
  int64_t i_item = 0;
  TraceRequest request;
};

/// Some items of every set.
std::vector<ReadItem> items_of(const std::vector<OutcomeSet>& sets) {
  std::vector<ReadItem> items;
  for (const OutcomeSet& set : sets) {
    for (const size_t i : spread_indices(set.size(), kItemsOfSet)) {
      ReadItem item = {&set, static_cast<int64_t>(i), {}};
      TraceRequest& request = item.request;
      request.tokens = set.has_margin() ? set.prompts[item.i_item] : set.texts[item.i_item].tokens;
      request.span = {0, std::ssize(request.tokens)};
      items.push_back(std::move(item));
    }
  }
  return items;
}

std::vector<RouterInputs> read_inputs(CachedEvaluator& evaluator,
                                      const std::vector<ReadItem>& items,
                                      int64_t rank,
                                      uint64_t seed,
                                      LeftOut& left_out) {
  const ModelInfo& info = evaluator.host().describe();
  std::vector<RouterInputs> inputs(info.n_layer,
                                   RouterInputs(rank, info.n_embd, mix_seed(seed, 0x61646170)));
  const RouterObserver keep = [&](const RouterView& view) { inputs[view.i_layer].add(view.input); };
  for (int64_t i = 0; i < std::ssize(items); ++i) {
    report(evaluator.progress(), {"router inputs", i, std::ssize(items), "texts", ""});
    const std::string error = evaluator.host().observe({items[i].request}, keep).at(0);
    if (!error.empty()) {
      left_out.add(*items[i].set, items[i].i_item, error);
    }
  }
  return inputs;
}

/// Tokens of the items that fit the context.
int64_t n_readable(const std::vector<ReadItem>& items, int64_t context_size) {
  int64_t n_token = 0;
  for (const ReadItem& item : items) {
    const int64_t n = item.request.span.size();
    n_token += n <= context_size ? n : 0;
  }
  return n_token;
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
  const std::vector<ReadItem> items = items_of(sets);
  AdapterSpace space;
  space.mask = zero;
  RouterAdapter& adapter = space.mask.adapter;
  adapter.n_embd = info.n_embd;
  adapter.rank = adapter_rank(info, n_most);
  if (adapter.rank < info.n_embd) {  // a basis of tokens needs as many
    const int64_t n_token = n_readable(items, evaluator.host().context_size());
    adapter.rank = std::clamp<int64_t>(n_token, 1, adapter.rank);
  }
  adapter.up.assign(info.n_layer * adapter.rank * info.n_expert, 0.0F);
  std::vector<float> down;
  const std::vector<RouterInputs> inputs =
      read_inputs(evaluator, items, adapter.rank, seed, space.left_out);
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
  adapter.down = std::make_shared<const AdapterDown>(std::move(down));
  return space;
}

}  // namespace mascing
