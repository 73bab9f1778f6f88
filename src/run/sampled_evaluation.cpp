// The unit is the conversation. Its value is the share of seeds with the wanted outcome.
#include "run/sampled_evaluation.h"

#include <algorithm>

#include "base/numeric.h"
#include "base/random.h"
#include "stage/statistics.h"

namespace mascing {
namespace {

constexpr uint64_t kResampling = 0x626f6f74;  // random stream of the bootstrap

/// Number of wanted replies of one conversation.
struct ReplyTally {
  int64_t n = 0;
  int64_t n_base = 0;
  int64_t n_steered = 0;
};

/// By row of the set's test split.
std::vector<ReplyTally> tally_replies(const EvalContext& context,
                                      const LoadedSet& set,
                                      const Treatment& treatment,
                                      uint64_t seed) {
  CachedEvaluator& evaluator = context.evaluator;
  const auto& rows = set.rows(Split::kTest);
  const std::vector<Conversation> treated = treatment.applied(rows);
  const JudgeRules rules = context.rules_for(set.spec);
  std::vector<ReplyTally> tallies(rows.size());
  for (const int64_t sample_seed : context.scenario.sample_seeds_of(set.spec)) {
    const Sampling sampling = sampling_of(context.scenario, seed, sample_seed);
    const std::string what = set.spec.metric + ", seed " + std::to_string(sample_seed);
    const auto base_replies = evaluator.sampled("sampling: base " + what, rows, {}, sampling);
    const auto steered_replies =
        evaluator.sampled("sampling: steered " + what, treated, treatment.steering, sampling);
    const auto base = judge_replies(rows, base_replies, rules);
    const auto steered = judge_replies(treated, steered_replies, rules);
    for (size_t i = 0; i < tallies.size(); ++i) {
      if (base[i].ok() && steered[i].ok()) {
        ++tallies[i].n;
        tallies[i].n_base += base[i].is_wanted ? 1 : 0;
        tallies[i].n_steered += steered[i].is_wanted ? 1 : 0;
      }
    }
  }
  return tallies;
}

}  // namespace

Sampling sampling_of(const Scenario& scenario, uint64_t seed, int64_t sample_seed) {
  return {to_float(scenario.sample_temperature),
          mix_seed(seed, sample_seed),
          scenario.n_max_token,
          scenario.n_max_reasoning_token};
}

SampledResult evaluate_sampled(const EvalContext& context,
                               const LoadedSet& set,
                               const Treatment& treatment,
                               uint64_t seed) {
  std::vector<double> base_shares;
  std::vector<double> steered_shares;
  std::vector<double> changes;
  for (const ReplyTally& tally : tally_replies(context, set, treatment, seed)) {
    if (tally.n > 0) {
      base_shares.push_back(ratio(tally.n_base, tally.n));
      steered_shares.push_back(ratio(tally.n_steered, tally.n));
      changes.push_back(steered_shares.back() - base_shares.back());
    }
  }
  SampledResult result;
  result.temperature = context.scenario.sample_temperature;
  result.n_seed = std::ssize(context.scenario.sample_seeds_of(set.spec));
  result.n_conversation = std::ssize(changes);
  result.base = bootstrap_share(base_shares, kResampling);
  result.steered = bootstrap_share(steered_shares, kResampling);
  result.change = bootstrap_change(changes, kResampling);
  return result;
}

int64_t n_sampled(const std::map<std::string, MetricResult>& metrics) {
  int64_t n = 0;
  for (const auto& [id, metric] : metrics) {
    n = std::max(n, metric.sampled ? metric.sampled->n_seed : 0);
  }
  return n;
}

}  // namespace mascing
