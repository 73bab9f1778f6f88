// An adapter with `up` of unit vectors and `down` of zeros pushes nothing, and its derivatives by
// `down` are those by the routers' weights.
#include "stage/router_slopes.h"

#include <algorithm>
#include <functional>
#include <memory>

#include "base/numeric.h"
#include "mascing/model_info.h"

namespace mascing {
namespace {

constexpr int64_t kAtOnce = 4;  // items: each has as many numbers as all routers have weights

Steering at_routers(const Mask& zero, const ModelInfo& info) {
  Mask mask = zero;
  RouterAdapter& adapter = mask.adapter;
  adapter.rank = info.n_expert;
  adapter.n_embd = info.n_embd;
  adapter.down = std::make_shared<const std::vector<float>>(
      info.n_layer * info.n_expert * info.n_embd, 0.0F);
  adapter.up.assign(info.n_layer * info.n_expert * info.n_expert, 0.0F);
  for (int64_t i = 0; i < info.n_layer * info.n_expert; ++i) {
    adapter.up[i * info.n_expert + i % info.n_expert] = 1.0F;
  }
  return {std::make_shared<const Mask>(std::move(mask)), 1.0F};
}

}  // namespace

void add(const RouterSlopes& more, RouterSlopes& sum) {
  sum.sum.resize(std::max(sum.sum.size(), more.sum.size()), 0.0F);
  std::transform(
      more.sum.begin(), more.sum.end(), sum.sum.begin(), sum.sum.begin(), std::plus<>());
  sum.n += more.n;
  sum.error.insert(sum.error.end(), more.error.begin(), more.error.end());
}

RouterSlopes measure_router_slopes(Host& host,
                                   const std::vector<OutcomeSet>& sets,
                                   int64_t i_set,
                                   const std::vector<int64_t>& items,
                                   const Mask& zero) {
  const Steering steering = at_routers(zero, host.describe());
  RouterSlopes slopes;
  const int64_t n = std::ssize(items);
  for (int64_t begin = 0; begin < n; begin += kAtOnce) {
    std::vector<Question> questions;
    for (int64_t i = begin; i < std::min(begin + kAtOnce, n); ++i) {
      questions.push_back({i_set, items[i], steering});
    }
    for (OutcomeGradient& one :
         measure_outcome_gradients(host, sets, questions, {}, /*is_by_down=*/true)) {
      const int64_t n_with = one.d_steer.empty() ? 0 : 1;
      add({std::move(one.d_steer), n_with, {std::move(one.error)}}, slopes);
    }
  }
  return slopes;
}

}  // namespace mascing
