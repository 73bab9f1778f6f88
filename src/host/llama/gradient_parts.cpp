// A part's outcome is linear: the whole outcome's derivatives times the likelihoods of its
// openings.
#include "host/llama/gradient_parts.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <utility>

#include "host/llama/gradient_batch.h"
#include "host/llama/schedulers.h"

namespace mascing {
namespace {

using Openings = std::vector<std::vector<int32_t>>;

/// What has no gradient in one piece either is left as it is: the engine says why.
bool must_be_divided(const GradientRequest& request, int64_t n_sequence) {
  const Openings* openings = request.openings.get();
  if (openings == nullptr || request.reference || !request.steering.mask ||
      request.steering.alpha == 0.0F || request.begin < 0 ||
      request.begin >= std::ssize(request.tokens)) {
    return false;
  }
  const auto is_long = [](const std::vector<int32_t>& opening) { return opening.size() > 1; };
  return std::count_if(openings->begin(), openings->end(), is_long) > n_sequence;
}

Outcome linear(std::vector<double> weights) {
  return [weights = std::move(weights)](const OpeningScores&, OpeningScores& d_scores) {
    d_scores.log_prob = weights;
    return 0.0;
  };
}

/// Adds the gradient of another part.
void add(const SteerGradient& part, SteerGradient& sum) {
  sum.n_layer_without_swap = part.n_layer_without_swap;
  sum.size_bytes = std::max(sum.size_bytes, part.size_bytes);
  sum.d_steer.resize(part.d_steer.size());
  for (size_t i = 0; i < part.d_steer.size(); ++i) {
    sum.d_steer[i].resize(part.d_steer[i].size(), 0.0F);
    std::transform(part.d_steer[i].begin(),
                   part.d_steer[i].end(),
                   sum.d_steer[i].begin(),
                   sum.d_steer[i].begin(),
                   std::plus<>());
  }
}

}  // namespace

GradientParts::GradientParts(Engine& engine, const std::vector<GradientRequest>& requests) {
  std::vector<ProbeRequest> probes;
  for (const GradientRequest& request : requests) {
    if (must_be_divided(request, engine.n_sequence())) {
      probes.push_back({request.tokens, request.openings, request.steering});
    }
  }
  const std::vector<Result<Probe>> probed = run_probes(engine, probes);
  auto next = probed.begin();
  for (const GradientRequest& request : requests) {
    Whole& whole = wholes_.emplace_back();
    if (must_be_divided(request, engine.n_sequence()) && (next++)->ok()) {
      whole.scores.log_prob = std::prev(next)->value.log_prob;
      divide(request, engine.n_sequence(), whole);
    } else {
      parts_.push_back(request);  // the engine says what is wrong with it, if anything is
    }
  }
}

void GradientParts::divide(const GradientRequest& request, int64_t n_sequence, Whole& whole) {
  std::vector<std::vector<double>> weights;  // [outcome][opening]
  for (const Outcome& outcome : request.outcomes) {
    OpeningScores d_scores;
    d_scores.log_prob.assign(whole.scores.log_prob.size(), 0.0);
    whole.values.push_back(outcome(whole.scores, d_scores));
    weights.push_back(d_scores.log_prob);
  }
  const auto groups = group_openings(*request.openings, n_sequence);
  whole.n_part = std::ssize(groups);
  for (const std::vector<size_t>& group : groups) {
    GradientRequest part = request;
    part.openings = std::make_shared<const Openings>(members_of(*request.openings, group));
    part.outcomes.clear();
    for (const std::vector<double>& all : weights) {
      std::vector<double> some;
      some.reserve(group.size());
      for (const size_t k : group) {
        some.push_back(all[k]);
      }
      part.outcomes.push_back(linear(std::move(some)));
    }
    parts_.push_back(std::move(part));
  }
}

std::vector<Result<SteerGradient>> GradientParts::joined(
    std::vector<Result<SteerGradient>> results) const {
  std::vector<Result<SteerGradient>> all;
  all.reserve(wholes_.size());
  auto next = results.begin();
  for (const Whole& whole : wholes_) {
    if (whole.n_part == 1) {
      all.push_back(std::move(*next++));
      continue;
    }
    Result<SteerGradient>& sum = all.emplace_back();
    sum.value.scores = whole.scores;
    sum.value.values = whole.values;
    for (int64_t i = 0; i < whole.n_part; ++i, ++next) {
      sum.error = sum.ok() ? next->error : sum.error;
      add(next->value, sum.value);
    }
  }
  return all;
}

}  // namespace mascing
