// The move is asked in both directions and the divergences are added: what is linear in it cancels,
// and the curvature that makes an entry costly is left. Few texts of each set, the same for every
// entry, so that entries are compared on equal terms.
#include "stage/entry_costs.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "base/numeric.h"
#include "base/random.h"

namespace mascing {
namespace {

constexpr double kLeastCost = 0.03;  // of the mean cost: what the cheapest entries count as
constexpr int64_t kMostItems = 8;    // texts of every set
constexpr int64_t kLeastItems = 2;   // likewise, where there are many entries
constexpr int64_t kManyItems = 768;  // times entries: from here on fewer texts
constexpr float kNoRest = -100.0F;   // log-probability of what a drawn token leaves to others
constexpr int64_t kRound = 32;       // entries that are asked about at a time

/// A text that every entry is tried on.
struct Sample {
  int64_t i_set = 0;
  int64_t i_item = 0;
  double weight = 0.0;  ///< of its divergence
};

std::vector<Sample> draw_samples(const std::vector<OutcomeSet>& sets,
                                 const std::vector<LoopSet>& roles,
                                 int64_t n_item,
                                 uint64_t seed) {
  Rng rng(mix_seed(seed, 0x636f7374));
  std::vector<Sample> samples;
  for (int64_t i = 0; i < std::ssize(sets); ++i) {
    if (roles[i].role != LoopRole::kDamage || sets[i].rises || sets[i].size() == 0) {
      continue;
    }
    const double weight = 1.0 / (to_double(n_item) * roles[i].limit);
    for (int64_t k = 0; k < n_item; ++k) {
      samples.push_back({i, rng.below(sets[i].size()), weight});
    }
  }
  return samples;
}

/// Every text under `base` with one entry moved up, then down.
void add_questions(const Mask& base,
                   int64_t entry,
                   double size,
                   const std::vector<Sample>& samples,
                   std::vector<Question>& questions) {
  const std::vector<float> move = {to_float(size)};
  for (const float sign : {1.0F, -1.0F}) {
    const Steering steering = perturbed(base, {entry}, {0.0F}, move, sign);
    for (const Sample& sample : samples) {
      questions.push_back({sample.i_set, sample.i_item, steering});
    }
  }
}

/// Puts a token drawn from each of a text's distributions in the distribution's place.
void draw_tokens(Rng& rng, ScoredText& text) {
  auto drawn = std::make_shared<std::vector<TopRow>>();
  for (const TopRow& row : *text.reference) {
    double left = rng.uniform() * (1.0 - std::exp(to_scalar<double>(row.rest)));
    size_t k = 0;
    while (k + 1 < row.tokens.size() &&
           (left -= std::exp(to_scalar<double>(row.log_probs[k]))) > 0.0) {
      ++k;
    }
    drawn->push_back({{row.tokens[k]}, {0.0F}, kNoRest});
  }
  text.reference = std::move(drawn);
}

}  // namespace

int64_t texts_per_entry(int64_t n_entry) {
  return std::clamp(kManyItems / std::max<int64_t>(n_entry, 1), kLeastItems, kMostItems);
}

std::vector<double> measure_entry_costs(const Mask& base,
                                        const FreeEntries& entries,
                                        const std::vector<OutcomeSet>& sets,
                                        const std::vector<LoopSet>& roles,
                                        const AskModel& ask,
                                        const EntryCostOptions& options) {
  const int64_t d = std::ssize(entries);
  const int64_t n_item = texts_per_entry(d);
  const std::vector<Sample> samples = draw_samples(sets, roles, n_item, options.seed);
  const int64_t n_of_entry = 2 * std::ssize(samples);
  std::vector<double> costs(entries.size(), 0.0);
  for (int64_t begin = 0; begin < d; begin += kRound) {
    if (options.is_spent && options.is_spent()) {
      return {};
    }
    report(options.progress, {"costs of experts", begin, d, "experts", ""});
    const int64_t end = std::min(begin + kRound, d);
    std::vector<Question> questions;
    for (int64_t j = begin; j < end; ++j) {
      add_questions(base, entries[j], options.size, samples, questions);
    }
    const std::vector<double> answers = ask(questions);
    for (int64_t i = 0; i < std::ssize(answers); ++i) {
      if (std::isfinite(answers[i])) {
        costs[begin + i / n_of_entry] += samples[i % samples.size()].weight * answers[i];
      }
    }
  }
  return costs;
}

std::vector<double> measure_entry_costs_exactly(const Mask& base,
                                                const FreeEntries& entries,
                                                const std::vector<OutcomeSet>& sets,
                                                const std::vector<LoopSet>& roles,
                                                const AskGradientsOf& ask,
                                                const EntryCostOptions& options) {
  std::vector<double> costs(entries.size(), 0.0);
  if (options.is_spent && options.is_spent()) {
    return {};
  }
  const std::vector<Sample> samples = draw_samples(sets, roles, kFisherItems, options.seed);
  Rng rng(mix_seed(options.seed, 0x66697368));
  OutcomeSet drawn;
  drawn.name = "drawn tokens";
  std::vector<Question> questions;
  const Steering at_base = perturbed(base, {}, {}, {}, 0.0F);
  for (const Sample& sample : samples) {
    drawn.texts.push_back(sets[sample.i_set].texts[sample.i_item]);
    draw_tokens(rng, drawn.texts.back());
    questions.push_back({0, std::ssize(questions), at_base});
  }
  const std::vector<OutcomeGradient> answers = ask({drawn}, questions);
  for (size_t i = 0; i < answers.size(); ++i) {
    const double n_token = to_double(std::ssize(*drawn.texts[i].reference));
    for (size_t j = 0; !answers[i].d_steer.empty() && j < entries.size(); ++j) {
      const double slope = answers[i].d_steer[entries[j]];  // of the mean over the tokens
      costs[j] += samples[i].weight * n_token * slope * slope;
    }
  }
  return costs;
}

std::vector<double> steps_of_equal_cost(const std::vector<double>& costs) {
  std::vector<double> steps(costs.size(), 1.0);
  const double sum = std::accumulate(costs.begin(), costs.end(), 0.0);
  if (sum <= 0.0) {
    return steps;
  }
  const double d = to_double(std::ssize(costs));
  const double mean = sum / d;
  double square = 0.0;
  for (size_t j = 0; j < costs.size(); ++j) {
    steps[j] = 1.0 / std::sqrt(std::max(costs[j] / mean, 0.0) + kLeastCost);
    square += steps[j] * steps[j] / d;
  }
  for (double& step : steps) {
    step /= std::sqrt(square);
  }
  return steps;
}

}  // namespace mascing
