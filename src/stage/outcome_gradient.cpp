// A text is a prompt with one opening, its scored part.
#include "stage/outcome_gradient.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "base/numeric.h"
#include "mascing/error.h"

namespace mascing {
namespace {

constexpr double kLeastOtherMass =
    1e-12;  // that is left to other replies than those of the openings

/// log sum exp of values [first, end), whose shares of the sum, times `factor`, are added to those
/// places of `d_values`.
double add_shares(const std::vector<double>& values,
                  int64_t first,
                  int64_t end,
                  double factor,
                  std::vector<double>& d_values) {
  const double top = *std::max_element(values.begin() + first, values.begin() + end);
  if (!std::isfinite(top)) {
    return top;
  }
  double sum = 0.0;
  for (int64_t i = first; i < end; ++i) {
    sum += std::exp(values[i] - top);
  }
  for (int64_t i = first; i < end; ++i) {
    d_values[i] += factor * std::exp(values[i] - top) / sum;
  }
  return top + std::log(sum);
}

Outcome margin_outcome(int64_t n_wanted) {
  return [n_wanted](const OpeningScores& scores, OpeningScores& d_scores) {
    return margin_gradient(scores.log_prob, n_wanted, d_scores.log_prob);
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

GradientRequest request_for(const OutcomeSet& set, const Question& question) {
  GradientRequest request;
  request.steering = question.steering;
  if (set.has_margin()) {
    request.tokens = set.prompts[question.i_item];
    request.openings = set.openings;
    request.outcomes = {margin_outcome(set.n_wanted)};
    return request;
  }
  const ScoredText& text = set.texts[question.i_item];
  const auto scored = text.tokens.begin() + text.begin;
  request.tokens.assign(text.tokens.begin(), scored);
  request.openings = std::make_shared<const std::vector<TokenSequence>>(
      std::vector<TokenSequence>{TokenSequence(scored, text.tokens.end())});
  request.reference = set.rises ? nullptr : text.reference;
  request.outcomes = {damage_outcome(text, set.rises)};
  return request;
}

}  // namespace

double margin_gradient(const std::vector<double>& log_prob,
                       int64_t n_wanted,
                       std::vector<double>& d_log_prob) {
  const int64_t n = std::ssize(log_prob);
  d_log_prob.assign(log_prob.size(), 0.0);
  if (n_wanted > 0 && n_wanted < n) {
    const double wanted = add_shares(log_prob, 0, n_wanted, 1.0, d_log_prob);
    return wanted - add_shares(log_prob, n_wanted, n, -1.0, d_log_prob);
  }
  // log q - log(1 - q): its slope by log q is 1 / (1 - q).
  const double sign = n_wanted == 0 ? -1.0 : 1.0;
  std::vector<double> shares(log_prob.size(), 0.0);
  const double log_q = std::min(add_shares(log_prob, 0, n, 1.0, shares), -kLeastOtherMass);
  const double rest = -std::expm1(log_q);
  for (int64_t i = 0; i < n; ++i) {
    d_log_prob[i] = sign * shares[i] / rest;
  }
  return sign * (log_q - std::log(rest));
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
  std::string failure;
  for (Result<SteerGradient>& result : host.gradients(requests)) {
    OutcomeGradient& gradient = gradients.emplace_back();
    gradient.value = std::numeric_limits<double>::quiet_NaN();
    if (result.ok()) {
      gradient.value = result.value.values.at(0);
      gradient.d_steer = std::move(result.value.d_steer.at(0));
    } else {
      failure = result.error;
    }
  }
  const bool has_any = std::any_of(gradients.begin(), gradients.end(), [](const auto& gradient) {
    return !gradient.d_steer.empty();
  });
  if (!has_any && !failure.empty()) {
    throw Error(ErrorKind::kHost,
                "[gradient] none of the questions has a gradient: " + failure,
                "estimate gradients by random pairs of masks instead");
  }
  return gradients;
}

}  // namespace mascing
