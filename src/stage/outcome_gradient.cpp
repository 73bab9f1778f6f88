// A text is a prompt with one opening, its scored part.
#include "stage/outcome_gradient.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/numeric.h"
#include "stage/opening_margin.h"

namespace mascing {
namespace {

Outcome margin_outcome(const OutcomeSet& set) {
  return [n_wanted = set.n_wanted, zero = set.zero](const OpeningScores& scores,
                                                    OpeningScores& d_scores) {
    return opening_margin(scores.log_prob, n_wanted, &d_scores.log_prob) - zero;
  };
}

/// Nats per token: the divergence, or how much less likely the text became.
Outcome damage_outcome(const ScoredText& text, bool rises) {
  const double n_token = to_double(std::ssize(text.tokens) - text.begin);
  const double base = text.base_log_prob;
  return [=](const OpeningScores& scores, OpeningScores& d_scores) {
    if (rises) {
      d_scores.log_prob[0] = -1.0 / n_token;
      return (base - scores.log_prob[0]) / n_token;
    }
    d_scores.divergence = 1.0 / n_token;
    return scores.divergence / n_token;
  };
}

/// Long messages are differentiated at their end, so that a batch has room for them.
int64_t first_differentiated(int64_t first, const std::vector<int32_t>& prompt) {
  const int64_t n = std::ssize(prompt);
  return std::max<int64_t>(std::min(first, n - 1), std::max<int64_t>(0, n - kMostDifferentiated));
}

GradientRequest request_for(const OutcomeSet& set, const Question& question) {
  GradientRequest request;
  request.steering = question.steering;
  if (set.has_margin()) {
    request.tokens = set.prompts[question.i_item];
    request.openings = set.openings;
    request.outcomes = {margin_outcome(set)};
    request.begin =
        first_differentiated(set.firsts.empty() ? 0 : set.firsts[question.i_item], request.tokens);
    return request;
  }
  const ScoredText& text = set.texts[question.i_item];
  const auto scored = text.tokens.begin() + text.begin;
  request.tokens.assign(text.tokens.begin(), scored);
  request.begin = first_differentiated(text.first, request.tokens);
  request.openings = std::make_shared<const std::vector<TokenSequence>>(
      std::vector<TokenSequence>{TokenSequence(scored, text.tokens.end())});
  request.reference = set.rises ? nullptr : text.reference;
  request.outcomes = {damage_outcome(text, set.rises)};
  return request;
}

/// One number that is none would spoil all that is summed up with it.
bool has_finite_slopes(const SteerGradient& gradient) {
  return std::isfinite(gradient.values.at(0)) && are_finite(gradient.d_steer.at(0));
}

}  // namespace

int64_t n_differentiated(const OutcomeSet& set, int64_t i_item) {
  const GradientRequest request = request_for(set, {0, i_item, {}});
  int64_t n = std::ssize(request.tokens) - request.begin;
  for (const TokenSequence& opening : *request.openings) {
    n += std::ssize(opening);
  }
  return n;
}

std::vector<OutcomeGradient> measure_outcome_gradients(Host& host,
                                                       const std::vector<OutcomeSet>& sets,
                                                       const std::vector<Question>& questions,
                                                       const SwapOptions& swap) {
  std::vector<GradientRequest> requests;
  requests.reserve(questions.size());
  for (const Question& question : questions) {
    requests.push_back(request_for(sets[question.i_set], question));
    requests.back().swap = swap;
  }
  std::vector<OutcomeGradient> gradients;
  for (Result<SteerGradient>& result : host.gradients(requests)) {
    OutcomeGradient& gradient = gradients.emplace_back();
    if (!result.ok()) {
      gradient.error = std::move(result.error);
    } else if (has_finite_slopes(result.value)) {
      gradient.value = result.value.values.at(0);
      gradient.d_steer = std::move(result.value.d_steer.at(0));
    } else {
      gradient.error = "its derivative is not a finite number";
    }
  }
  return gradients;
}

}  // namespace mascing
