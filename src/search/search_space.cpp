// Sigma is calibrated on all traces; which entries are free depends on the target set's alone.
#include "search/search_space.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "mascing/steer.h"
#include "mascing/trace_store.h"
#include "search/mask_maker.h"

namespace mascing {
namespace {

Mask zero_mask(const TraceSet& traces, const Scenario& scenario, uint64_t seed) {
  Mask mask = mask_for(traces);
  std::vector<int64_t> all(traces.traces.size());
  std::iota(all.begin(), all.end(), int64_t{0});
  mask.sigma = calibrate_sigma(traces, all);
  for (float& sigma : mask.sigma) {
    sigma = std::max(sigma, kMinSigma);
  }
  mask.steer.assign(mask.n_layer * mask.n_expert, 0.0F);
  mask.sigma_rule = scenario.steer.sigma_rule;
  mask.scenario = scenario.name;
  mask.direction = scenario.direction;
  mask.seed = seed;
  mask.data_hash = hash_traces(traces);
  return mask;
}

/// Mean router logits of conversations with the wanted outcome minus the mean of the others.
std::vector<float> class_difference(const TraceSet& traces, const std::string& target) {
  TraceSet of_target = traces;
  std::erase_if(of_target.traces, [&](const TraceView& trace) { return trace.set != target; });
  return mean_difference(of_target, 0, 1.0, 0.0).steer;
}

/// All entries, or those that differ most between the classes of the target set.
FreeEntries choose_entries(const Mask& mask, const std::vector<float>& difference) {
  FreeEntries entries = all_entries(mask);
  if (std::ssize(entries) <= kMaxFreeEntries) {
    return entries;
  }
  std::stable_sort(entries.begin(), entries.end(), [&](int64_t a, int64_t b) {
    return std::fabs(difference[a]) > std::fabs(difference[b]);
  });
  entries.resize(kMaxFreeEntries);
  std::sort(entries.begin(), entries.end());
  return entries;
}

}  // namespace

SearchSpace make_search_space(const TraceSet& traces, const Scenario& scenario, uint64_t seed) {
  SearchSpace space;
  space.mask = zero_mask(traces, scenario, seed);
  space.difference = class_difference(traces, scenario.target().metric);
  space.entries = choose_entries(space.mask, space.difference);
  return space;
}

Candidate candidate_of(Mask mask, MaskMethod method, const char* variant) {
  mask.method = std::string(to_string(method)) + variant;
  mask.threshold = 0.0F;
  mask.validate();
  Candidate candidate;
  candidate.mask = std::make_shared<const Mask>(std::move(mask));
  return candidate;
}

}  // namespace mascing
