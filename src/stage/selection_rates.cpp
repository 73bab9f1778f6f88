// Counts at each token that the host shows; the lower number wins a tie, as in a stable sort.
#include "stage/selection_rates.h"

#include <algorithm>
#include <numeric>

#include "base/numeric.h"

namespace mascing {

ChooseExperts choosing_largest(const ModelInfo& info) {
  const int64_t n = info.n_expert;
  const int64_t k = std::clamp<int64_t>(info.n_expert_used, 1, n);
  return [n, k](int64_t /*i_layer*/, const float* logits) { return largest_entries(logits, n, k); };
}

std::vector<Result<SelectionRates>> selection_rates(Host& host,
                                                    const std::vector<TraceRequest>& requests,
                                                    const ChooseExperts& choose) {
  const ModelInfo& info = host.describe();
  const ChooseExperts chosen = choose ? choose : choosing_largest(info);
  std::vector<Result<SelectionRates>> results(requests.size());
  for (size_t i = 0; i < requests.size(); ++i) {
    results[i].value.n_token = requests[i].span.size();
    results[i].value.rates.assign(info.n_layer * info.n_expert, 0.0);
  }
  std::vector<std::string> errors = host.observe(requests, [&](const RouterView& view) {
    std::vector<double>& rates = results[view.i_request].value.rates;
    for (const int64_t i_expert : chosen(view.i_layer, view.steered)) {
      rates[view.i_layer * info.n_expert + i_expert] += 1.0;
    }
  });
  for (size_t i = 0; i < requests.size(); ++i) {
    results[i].error = std::move(errors[i]);
    const double n = to_double(std::max<int64_t>(1, results[i].value.n_token));
    for (double& rate : results[i].value.rates) {
      rate /= n;
    }
  }
  return results;
}

std::vector<int64_t> largest_entries(const float* z, int64_t n, int64_t k) {
  std::vector<int64_t> order(n);
  std::iota(order.begin(), order.end(), 0);
  std::nth_element(order.begin(), order.begin() + (k - 1), order.end(), [&](int64_t a, int64_t b) {
    return z[a] > z[b] || (z[a] == z[b] && a < b);
  });
  order.resize(k);
  std::sort(order.begin(), order.end());
  return order;
}

TraceRequest written_by(const std::vector<int32_t>& prompt,
                        const std::vector<int32_t>& reply,
                        const Steering& steering) {
  TraceRequest request;
  request.steering = steering;
  if (reply.empty()) {
    return request;
  }
  request.tokens = prompt;
  request.tokens.insert(request.tokens.end(), reply.begin(), reply.end() - 1);
  request.span = {std::ssize(prompt) - 1, std::ssize(request.tokens)};
  return request;
}

}  // namespace mascing
