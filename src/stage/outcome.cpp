// Questions with a margin become probes, the others scores against the stored distributions; one
// call of the host for each kind.
#include "stage/outcome.h"

#include <limits>
#include <utility>

#include "base/numeric.h"
#include "stage/opening_margin.h"

namespace mascing {
namespace {

/// Nats per scored token.
double damage(const OutcomeSet& set, int64_t i_item, const Score& score) {
  const double sum =
      set.rises ? set.texts[i_item].base_log_prob - score.log_prob : score.divergence;
  return sum / to_double(score.n_token);
}

}  // namespace

void set_openings(const Openings& openings, OutcomeSet& set) {
  std::vector<TokenSequence> all = openings.wanted;
  all.insert(all.end(), openings.unwanted.begin(), openings.unwanted.end());
  set.n_wanted = std::ssize(openings.wanted);
  set.openings = std::make_shared<const std::vector<TokenSequence>>(std::move(all));
}

Openings openings_of(const OutcomeSet& set) {
  const auto other = set.openings->begin() + set.n_wanted;
  return {{set.openings->begin(), other}, {other, set.openings->end()}};
}

std::vector<TextReference> reference_texts(Host& host, const std::vector<ScoredText>& texts) {
  std::vector<ScoreRequest> requests;
  for (const ScoredText& text : texts) {
    ScoreRequest request;
    request.tokens = text.tokens;
    request.begin = text.begin;
    request.n_top = kReferenceTokens;
    requests.push_back(std::move(request));
  }
  std::vector<TextReference> references;
  for (Result<Score>& score : host.score(requests)) {
    references.emplace_back();
    if (score.ok()) {
      references.back() = {true, score.value.log_prob, std::move(score.value.top)};
    }
  }
  return references;
}

void set_references(std::vector<TextReference> references, OutcomeSet& set) {
  std::vector<ScoredText> kept;
  for (size_t i = 0; i < references.size(); ++i) {
    if (references[i].is_known) {
      ScoredText& text = kept.emplace_back(std::move(set.texts[i]));
      text.base_log_prob = references[i].log_prob;
      text.reference = std::make_shared<const std::vector<TopRow>>(std::move(references[i].top));
    }
  }
  set.texts = std::move(kept);
}

std::vector<double> measure_outcomes(Host& host,
                                     const std::vector<OutcomeSet>& sets,
                                     const std::vector<Question>& questions) {
  std::vector<ProbeRequest> probes;
  std::vector<ScoreRequest> scores;
  for (const Question& question : questions) {
    const OutcomeSet& set = sets[question.i_set];
    if (set.has_margin()) {
      probes.push_back({set.prompts[question.i_item], set.openings, question.steering});
    } else {
      const ScoredText& text = set.texts[question.i_item];
      ScoreRequest request;
      request.tokens = text.tokens;
      request.begin = text.begin;
      request.steering = question.steering;
      request.reference = set.rises ? nullptr : text.reference;
      scores.push_back(std::move(request));
    }
  }
  const auto probed = probes.empty() ? std::vector<Result<Probe>>() : host.probe(probes);
  const auto scored = scores.empty() ? std::vector<Result<Score>>() : host.score(scores);
  std::vector<double> values;
  values.reserve(questions.size());
  size_t i_probe = 0;
  size_t i_score = 0;
  for (const Question& question : questions) {
    double value = std::numeric_limits<double>::quiet_NaN();
    const OutcomeSet& set = sets[question.i_set];
    if (set.has_margin()) {
      const Result<Probe>& outcome = probed[i_probe++];
      value =
          outcome.ok() ? opening_margin(outcome.value.log_prob, set.n_wanted) - set.zero : value;
    } else {
      const Result<Score>& outcome = scored[i_score++];
      value = outcome.ok() ? damage(set, question.i_item, outcome.value) : value;
    }
    values.push_back(value);
  }
  return values;
}

}  // namespace mascing
