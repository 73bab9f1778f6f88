// With f the surrogate's logit, the log odds of the unwanted reply, it learns from both signs of a
// perturbation at once,
//   f(z + sigma (S + e)) - f(z + sigma (S - e))  ->  m_{S-e} - m_{S+e},
// and never from differences between conversations. These are much larger in z than the effect of a
// mask, and a logit that only predicts the outcome of a conversation would look like one that
// causes it. S then minimises the mean of softplus(-m), m = (margin measured around the S of the
// round) - (change predicted by the surrogate).
#include "stage/interventional.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <span>
#include <utility>

#include "base/numeric.h"
#include "base/random.h"
#include "base/text.h"
#include "mascing/error.h"
#include "nn/loss.h"
#include "nn/surrogate_layout.h"
#include "stage/budget_spent.h"
#include "stage/intervention_model.h"
#include "stage/statistics.h"
#include "stage/steer_objective.h"

namespace mascing {
namespace {

constexpr int64_t kSteps = 12;  // of S in a round, each an eighth of the radius
constexpr double kStepShare = 1.0 / 8.0;
constexpr double kFullTrust = 0.3;       // correlation from which on S may move by the whole radius
constexpr double kMostDifference = 6.0;  // nats: single answers should not outweigh all others

/// What stays the same over all rounds.
struct RoundPlan {
  const Mask& start;
  const FreeEntries& entries;
  const TracedObjectives& objectives;
  const InterventionalOptions& options;
  int64_t n_pair = 0;                    ///< of each round
  std::vector<TracedItem> targets = {};  ///< items of the set with role kGain
  std::vector<TracedItem> others = {};

  [[nodiscard]] const LoopSet& role(const TracedItem& item) const {
    return objectives.roles[item.i_set];
  }
};

RoundPlan plan_rounds(const Mask& start,
                      const FreeEntries& entries,
                      const TracedObjectives& objectives,
                      const InterventionalOptions& options) {
  RoundPlan plan = {start, entries, objectives, options};
  plan.n_pair = pairs_of_round(options.n_pair, std::ssize(entries));
  for (const TracedItem& item : objectives.items) {
    const bool is_target = plan.role(item).role == LoopRole::kGain;
    (is_target ? plan.targets : plan.others).push_back(item);
  }
  if (plan.targets.empty()) {
    throw Error(ErrorKind::kInsufficient,
                "[interventional] no conversation of the target set has a trace",
                "see the skipped conversations in results.json");
  }
  return plan;
}

const TracedItem& draw_item(const RoundPlan& plan, Rng& rng) {
  const bool is_target = plan.others.empty() || rng.below(2) == 0;
  const std::vector<TracedItem>& from = is_target ? plan.targets : plan.others;
  return from[rng.below(std::ssize(from))];
}

/// Perturbations of `steer` that nobody was asked about yet.
std::vector<AskedPair> draw_asked_pairs(const RoundPlan& plan,
                                        const std::vector<float>& steer,
                                        Rng& rng) {
  const auto centre = std::make_shared<const std::vector<float>>(steer);
  const int64_t d = std::ssize(plan.entries);
  std::vector<AskedPair> pairs;
  for (int64_t i = 0; i < plan.n_pair; ++i) {
    AskedPair pair;
    pair.item = draw_item(plan, rng);
    pair.centre = centre;
    pair.e = draw_perturbation(rng, d, plan.options.perturbation);
    pairs.push_back(std::move(pair));
  }
  return pairs;
}

/// Both signs of every pair.
std::vector<Question> round_questions(const RoundPlan& plan,
                                      const std::vector<float>& steer,
                                      const std::vector<AskedPair>& pairs) {
  std::vector<float> centre;
  for (const int64_t entry : plan.entries) {
    centre.push_back(steer[entry]);
  }
  std::vector<Question> questions;
  for (const AskedPair& pair : pairs) {
    for (const float sign : {1.0F, -1.0F}) {
      questions.push_back({pair.item.i_set,
                           pair.item.i_item,
                           perturbed(plan.start, plan.entries, centre, pair.e, sign)});
    }
  }
  return questions;
}

/// The pairs that the model could answer both signs of, with what it said.
std::vector<AskedPair> answered(std::vector<AskedPair> pairs, const std::vector<double>& answers) {
  std::vector<AskedPair> known;
  for (size_t i = 0; i < pairs.size(); ++i) {
    const double plus = answers[2 * i];
    const double minus = answers[2 * i + 1];
    if (std::isfinite(plus) && std::isfinite(minus)) {
      pairs[i].level = to_float((plus + minus) / 2.0);
      pairs[i].difference = to_float(std::clamp(minus - plus, -kMostDifference, kMostDifference));
      known.push_back(std::move(pairs[i]));
    }
  }
  if (known.empty()) {
    throw Error(ErrorKind::kInsufficient,
                "[interventional] the model could run none of " + std::to_string(answers.size()) +
                    " questions");
  }
  return known;
}

std::vector<AskedPair> pairs_of_target(const RoundPlan& plan, const std::vector<AskedPair>& pairs) {
  std::vector<AskedPair> of_target;
  for (const AskedPair& pair : pairs) {
    if (plan.role(pair.item).role == LoopRole::kGain) {
      of_target.push_back(pair);
    }
  }
  return of_target;
}

/// What is reported of the answers around S: their mean chance of the wanted openings.
double mean_chance(const std::vector<AskedPair>& of_target) {
  double sum = 0.0;
  for (const AskedPair& pair : of_target) {
    sum += nn::sigmoid(pair.level);
  }
  return sum / std::max(1.0, to_double(std::ssize(of_target)));
}

/// Of what the surrogate expects of each pair and what the model did.
double correlation_with(InterventionModel& model, const std::vector<AskedPair>& of_target) {
  const std::vector<float> logits = model.logits(both_signs(of_target));
  std::vector<double> expected;
  std::vector<double> measured;
  for (size_t i = 0; i < of_target.size(); ++i) {
    expected.push_back(double{logits[2 * i]} - double{logits[2 * i + 1]});
    measured.push_back(of_target[i].difference);
  }
  return cosine(expected, measured);
}

/// Some epochs over all that was asked so far, which is left shuffled.
void teach(InterventionModel& model,
           std::vector<AskedPair>& history,
           const TrainOptions& train,
           Rng& rng) {
  for (int64_t i_epoch = 0; i_epoch < train.n_epoch; ++i_epoch) {
    rng.shuffle(history);
    for (int64_t begin = 0; begin < std::ssize(history); begin += train.n_batch) {
      const int64_t n = std::min<int64_t>(train.n_batch, std::ssize(history) - begin);
      model.learn(std::span(history).subspan(begin, n));
    }
  }
  check_surrogate(model.surrogate());
}

/// Of each pair's conversation: what is added to the surrogate's logit under a mask S, so that the
/// sum at the centre of the round is the margin asked for less the one that the model showed.
std::vector<float> logit_offsets(const RoundPlan& plan,
                                 InterventionModel& model,
                                 const std::vector<AskedPair>& pairs) {
  std::vector<Intervention> centres;
  centres.reserve(pairs.size());
  for (const AskedPair& pair : pairs) {
    centres.push_back({pair.item.i_trace, pair.centre.get(), &pair.e, 0.0F});
  }
  std::vector<float> offsets = model.logits(centres);
  for (size_t i = 0; i < pairs.size(); ++i) {
    const float margin = to_float(plan.role(pairs[i].item).margin);
    offsets[i] = margin - pairs[i].level - offsets[i];
  }
  return offsets;
}

/// One step down the gradient, then back to within `radius` of `centre`.
std::vector<float> step_within(std::vector<float> steer,
                               const RoundPlan& plan,
                               const std::vector<float>& gradient,
                               const std::vector<float>& centre,
                               double radius) {
  double square = 0.0;
  for (const int64_t j : plan.entries) {
    square += double{gradient[j]} * double{gradient[j]};
  }
  const float scale = to_float(square > 0.0 ? radius * kStepShare / std::sqrt(square) : 0.0);
  const float shrink = to_float(plan.options.l1 * radius * kStepShare);
  double moved = 0.0;
  for (const int64_t j : plan.entries) {
    steer[j] -= scale * gradient[j];
    steer[j] = soft_threshold(steer[j], shrink);
    moved += std::pow(double{steer[j]} - double{centre[j]}, 2.0);
  }
  const float within = to_float(std::min(1.0, radius / std::max(1e-12, std::sqrt(moved))));
  const float cap = to_float(plan.options.boost_cap);
  for (const int64_t j : plan.entries) {
    const float held = centre[j] + within * (steer[j] - centre[j]);
    steer[j] = std::min(held, cap);
  }
  return steer;
}

/// S after a round: down the gradient through the surrogate, within `radius` of where it was.
std::vector<float> move_within(const std::vector<float>& centre,
                               const RoundPlan& plan,
                               InterventionModel& model,
                               const std::vector<AskedPair>& pairs,
                               double radius) {
  std::vector<int64_t> batch;
  batch.reserve(pairs.size());
  for (const AskedPair& pair : pairs) {
    batch.push_back(pair.item.i_trace);
  }
  const std::vector<float> offsets = logit_offsets(plan, model, pairs);
  const bool is_per_token = plan.start.sigma_rule == SigmaRule::kToken;
  SteerObjective<float> objective({model.surrogate()},
                                  plan.objectives.traces,
                                  is_per_token ? std::vector<float>() : plan.start.sigma,
                                  plan.options.n_thread);
  // Nothing is kept from step to step: a trace may stand in a batch more than once, and threads
  // would fill its place together.
  std::vector<float> steer = centre;
  for (int64_t i = 0; i < kSteps; ++i) {
    std::vector<float> gradient(steer.size(), 0.0F);
    objective.losses(batch, {{0, 0, steer.data()}}, {gradient.data()}, offsets);
    steer = step_within(std::move(steer), plan, gradient, centre, radius);
  }
  return steer;
}

std::string describe_rounds(const std::vector<InterventionalRound>& rounds) {
  return rounds.empty() ? "" : "wanted openings about " + format_percent(rounds.back().value);
}

}  // namespace

InterventionalResult steer_by_interventions(const Mask& start,
                                            const FreeEntries& entries,
                                            const TracedObjectives& objectives,
                                            const AskModel& ask,
                                            const InterventionalOptions& options) {
  const RoundPlan plan = plan_rounds(start, entries, objectives, options);
  InterventionModel model(start, entries, objectives.traces, options);
  Rng rng(mix_seed(options.seed, 0x696e7476));
  InterventionalResult result;
  result.steer = start.steer;
  std::vector<AskedPair> history;
  for (int64_t i = 0; i < options.n_round; ++i) {
    if (options.is_spent && options.is_spent()) {
      result.is_cut = true;
      break;
    }
    report(
        options.progress,
        {"interventional surrogate", i, options.n_round, "rounds", describe_rounds(result.rounds)});
    std::vector<AskedPair> pairs = draw_asked_pairs(plan, result.steer, rng);
    const std::vector<Question> questions = round_questions(plan, result.steer, pairs);
    std::vector<double> answers;
    try {
      answers = ask(questions);
    } catch (const BudgetSpent&) {
      result.is_cut = true;
      break;
    }
    result.n_question += std::ssize(questions);
    pairs = answered(std::move(pairs), answers);
    const std::vector<AskedPair> of_target = pairs_of_target(plan, pairs);
    const double correlation = i > 0 ? correlation_with(model, of_target) : 0.0;
    result.rounds.push_back({norm_of(result.steer), mean_chance(of_target), correlation});
    if (result.rounds.back().value >= options.enough) {
      break;
    }
    history.insert(history.end(), pairs.begin(), pairs.end());
    teach(model, history, options.train, rng);
    const double trust = std::clamp(correlation / kFullTrust, 0.0, 1.0);
    if (trust > 0.0) {
      result.steer = move_within(result.steer, plan, model, pairs, trust * options.radius);
    }
  }
  return result;
}

}  // namespace mascing
