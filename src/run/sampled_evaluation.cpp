// The unit is the conversation: its value is the share of its seeds with the wanted outcome.
#include "run/sampled_evaluation.h"

#include "base/random.h"
#include "stage/statistics.h"

namespace mascing {
namespace {

constexpr uint64_t kResampling = 0x626f6f74;  // random stream of the bootstrap

/// Wanted replies of one conversation.
struct ReplyTally {
  int64_t n = 0;
  int64_t n_base = 0;
  int64_t n_steered = 0;
};

}  // namespace

Sampling sampling_of(const Scenario& scenario, uint64_t seed, int64_t sample_seed) {
  return {static_cast<float>(scenario.sample_temperature),
          mix_seed(seed, static_cast<uint64_t>(sample_seed)),
          scenario.n_max_token};
}

SampledResult evaluate_sampled(CachedEvaluator& evaluator,
                               const SampledPlan& plan,
                               const Scenario& scenario) {
  std::vector<ReplyTally> tallies(plan.rows.size());
  for (const int64_t sample_seed : scenario.sample_seeds) {
    const Sampling sampling = sampling_of(scenario, plan.seed, sample_seed);
    const std::string what = plan.metric + ", seed " + std::to_string(sample_seed);
    const auto base_replies = evaluator.sampled("sampling: base " + what, plan.rows, {}, sampling);
    const auto steered_replies =
        evaluator.sampled("sampling: steered " + what, plan.treated, plan.steering, sampling);
    const auto base = judge_replies(plan.rows, base_replies, plan.rules);
    const auto steered = judge_replies(plan.rows, steered_replies, plan.rules);
    for (size_t i = 0; i < tallies.size(); ++i) {
      if (base[i].ok() && steered[i].ok()) {
        ++tallies[i].n;
        tallies[i].n_base += base[i].is_wanted ? 1 : 0;
        tallies[i].n_steered += steered[i].is_wanted ? 1 : 0;
      }
    }
  }
  std::vector<double> base_shares;
  std::vector<double> steered_shares;
  std::vector<double> changes;
  for (const ReplyTally& tally : tallies) {
    if (tally.n > 0) {
      const auto n = static_cast<double>(tally.n);
      base_shares.push_back(static_cast<double>(tally.n_base) / n);
      steered_shares.push_back(static_cast<double>(tally.n_steered) / n);
      changes.push_back(steered_shares.back() - base_shares.back());
    }
  }
  SampledResult result;
  result.temperature = scenario.sample_temperature;
  result.n_seed = static_cast<int64_t>(scenario.sample_seeds.size());
  result.n_conversation = static_cast<int64_t>(changes.size());
  result.base = bootstrap_share(base_shares, kResampling);
  result.steered = bootstrap_share(steered_shares, kResampling);
  result.change = bootstrap_mean(changes, kResampling);
  return result;
}

}  // namespace mascing
