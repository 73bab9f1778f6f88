// Every function counts what one step asks for. Where a step may end early, the whole is counted;
// where the model decides what is asked, the comment says what is assumed.
#include "run/forecast_tokens.h"

#include <algorithm>
#include <cmath>

#include "base/numeric.h"
#include "measure/cached_evaluator.h"
#include "run/find_masks.h"
#include "run/forecast_counts.h"
#include "run/test_routing.h"
#include "search/look_at_replies.h"
#include "search/loop_masks.h"
#include "search/loop_run.h"
#include "search/unchanged_texts.h"
#include "stage/closed_loop.h"
#include "stage/entry_costs.h"
#include "stage/loop_slopes.h"
#include "stage/path_attribution.h"
#include "stage/perturbation.h"

namespace mascing {
namespace {

constexpr double kReplyPart = 36.0;    // tokens of a reply that are compared
constexpr double kRoutingForms = 4.0;  // routers and outputs, without and with the mask
constexpr double kLimitTrials = 1.5;   // finalists whose limits are checked, one or two
constexpr double kTriedShare = 0.4;
constexpr double kHarmlessShare = 0.3;
constexpr double kLimitShare = 0.1;
constexpr double kKeptShare = 0.5;  // of replies that are as wanted

Tokens play(const RunTokens& run) {
  Tokens sum;
  for (const SetTokens& set : run.sets) {
    if (set.n_play_turn > 0.0) {
      const double n = to_double(set.n_all());
      sum.add({n * set.play_prompt, n * set.n_play_turn * set.play_reply, 0.0});
    }
  }
  return sum;
}

double calibrated(double n) {
  return std::min(n, to_double(kChunk));
}

Tokens label(const RunTokens& run) {
  return over_sets(
      run,
      0,
      [](const SetTokens&) { return true; },
      [](const SetTokens& set, double n) {
        return replies(set, is_judged(set) ? n : calibrated(n), false);
      });
}

Tokens trace(const RunTokens& run) {
  return over_sets(run, 0, has_margin, [](const SetTokens& set, double n) {
    const double n_row = set.role == SetRole::kBenign ? at_most(n, kPreserveRows) : n;
    return Tokens{n_row * set.prompt, 0.0, 0.0};
  });
}

/// Texts that should stay as they are, by kind: how many, and tokens of one.
struct DamageTexts {
  double n = 0.0;
  double size = 0.0;
};

std::vector<DamageTexts> damage_texts(const RunTokens& run, size_t i_split) {
  DamageTexts benign;
  DamageTexts wanted;
  for (const SetTokens& set : run.sets) {
    const double n = to_double(set.n.at(i_split));
    DamageTexts& texts = set.role == SetRole::kBenign ? benign : wanted;
    const double n_text = set.role == SetRole::kBenign     ? at_most(n, kReplyRows)
                          : is_judged(set) && i_split == 0 ? at_most(kKeptShare * n, kReplyRows)
                                                           : 0.0;
    texts.size += n_text * (set.prompt + std::min(set.reply, kReplyPart));
    texts.n += n_text;
  }
  std::vector<DamageTexts> all;
  for (const DamageTexts& texts : {benign, wanted}) {
    if (texts.n > 0.0) {
      all.push_back({texts.n, texts.size / texts.n});
    }
  }
  if (run.text.limited.at(i_split) > 0.0) {
    all.push_back(
        {run.text.limited.at(i_split) / to_double(kPieceTokens), 1.5 * to_double(kPieceTokens)});
  }
  return all;
}

/// What the unsteered model says about all sets before anything is tried.
Tokens references(const RunTokens& run, size_t i_split) {
  Tokens sum = over_sets(run, i_split, has_margin, questions);
  for (const DamageTexts& texts : damage_texts(run, i_split)) {
    sum.prefill += texts.n * texts.size;
  }
  return sum;
}

const SetTokens& target_of(const RunTokens& run) {
  return *std::find_if(run.sets.begin(), run.sets.end(), [](const SetTokens& set) {
    return set.role == SetRole::kTarget;
  });
}

/// Mean tokens of a question of a step, with margins and with texts in their shares.
struct StepQuestion {
  double margin = 0.0;
  double text = 0.0;
  double margin_share = 0.0;

  [[nodiscard]] double size() const { return margin + text; }
};

/// The target gets two parts, every other set one.
StepQuestion step_question(const RunTokens& run) {
  StepQuestion sum;
  double n = 0.0;
  for (const SetTokens& set : run.sets) {
    if (has_margin(set)) {
      const double n_part = set.role == SetRole::kTarget ? 2.0 : 1.0;
      sum.margin += n_part * (set.prompt + kOpening);
      n += n_part;
    }
  }
  sum.margin_share = n;
  for (const DamageTexts& texts : damage_texts(run, 0)) {
    sum.text += texts.size;
    n += 1.0;
  }
  return {sum.margin / n, sum.text / n, sum.margin_share / n};
}

Tokens exact_loop(const Scenario& scenario, const RunTokens& run) {
  const SetTokens& target = target_of(run);
  Tokens sum;
  const double n_loop = to_double(scenario.n_loop());
  const StepQuestion question = step_question(run);
  const SearchOptions& search = scenario.search;
  const int64_t n_item = search.n_loop_item > 0 ? search.n_loop_item : kItemsOfStep;
  const double n_question = n_loop * to_double(search.n_loop_step * n_item);
  for (const DamageTexts& texts : damage_texts(run, 0)) {
    sum.text_gradient += n_loop * at_most(texts.n, kFisherItems) * texts.size;
  }
  sum.text_gradient += n_question * question.text;
  // of entries, and of layers to both sides; then along the path to each mask
  const double n_row = to_double(target.n[0]);
  const PathOptions path;
  const double n_target = at_most(n_row, kMapItems) + 2.0 * to_double(kMapItems) +
                          n_loop * at_most(n_row, path.n_item) * to_double(path.n_interval + 1);
  sum.gradient =
      sum.text_gradient + n_target * (target.prompt + kOpening) + n_question * question.margin;
  return sum;
}

Tokens paired_loop(const Scenario& scenario, const RunTokens& run) {
  const SearchOptions& search = scenario.search;
  const int64_t n_map = search.n_map_pair + std::min(kLayerPairs, search.n_map_pair);
  Tokens sum = questions(target_of(run), to_double(2 * n_map));
  if (!scenario.uses(MaskMethod::kClosedLoop)) {
    return sum;
  }
  for (const DamageTexts& texts : damage_texts(run, 0)) {
    sum.prefill += to_double(2 * run.n_entry * texts_per_entry(run.n_entry)) * texts.size;
  }
  const int64_t n_pair = pairs_of_round(search.n_loop_pair, run.n_entry);
  const double n_question = to_double(search.n_loop_step * 2 * n_pair);
  const StepQuestion question = step_question(run);
  sum.prefill += n_question * question.size();
  sum.opening += n_question * question.margin_share * kOpeningRead;
  return sum;
}

/// Replies of every set, each time that a loop looks at replies; not in its last steps.
Tokens looks(const Scenario& scenario, const RunTokens& run) {
  const SearchOptions& search = scenario.search;
  int64_t n_look = 0;
  for (const MaskMethod method : {MaskMethod::kClosedLoop, MaskMethod::kRouterAdapter}) {
    const int64_t n_step = steps_between_looks(search, method == MaskMethod::kRouterAdapter);
    const bool is_run =
        scenario.uses(method) && (run.is_exact || method != MaskMethod::kRouterAdapter);
    n_look +=
        is_run && n_step > 0 ? std::max<int64_t>(0, search.n_loop_step - kLoopStretch) / n_step : 0;
  }
  const Tokens one = over_sets(run, 0, has_margin, [&](const SetTokens& set, double n) {
    const bool takes_reasoning = run.reasons && set.role == SetRole::kTarget;
    return replies(set, std::min(n, to_double(rows_of_look(takes_reasoning))), true);
  });
  Tokens sum;
  sum.add(one, to_double(n_look));
  return sum;
}

bool asks_openings(const Scenario& scenario) {
  return scenario.uses_loop() || scenario.uses(MaskMethod::kInterventionalSurrogate);
}

/// Also the margins' check on replies that their openings were not fitted to.
Tokens closed_loop(const Scenario& scenario, const RunTokens& run) {
  Tokens sum = over_sets(run, 0, is_judged, questions);
  sum.add(over_sets(
      run,
      0,
      [](const SetTokens& set) { return set.role == SetRole::kBenign; },
      [](const SetTokens& set, double n) {
        const double n_row = at_most(n, kReplyRows);  // of all, the calibration knows the first
        return replies(set, n_row < n ? n_row : n - calibrated(n), false);
      }));
  sum.add(references(run, 0));
  if (scenario.uses_loop()) {
    sum.add(run.is_exact ? exact_loop(scenario, run) : paired_loop(scenario, run));
    sum.add(looks(scenario, run));
  }
  return sum;
}

/// Masks times strengths.
double n_trial(const Scenario& scenario) {
  const SearchOptions& search = scenario.search;
  const double n_guard = to_double(std::max<int64_t>(1, std::ssize(search.guards)));
  double n_mask = 0.0;
  for (const MaskMethod method : search.methods) {
    if (method == MaskMethod::kSurrogate) {
      n_mask += n_guard * to_double(std::ssize(search.seeds) * std::ssize(search.lambdas) *
                                    std::ssize(search.epochs) * std::ssize(search.preserves));
    } else {
      const bool has_look =
          steps_between_looks(search, method == MaskMethod::kRouterAdapter) > 0 &&
          (method == MaskMethod::kRouterAdapter || method == MaskMethod::kClosedLoop);
      n_mask += method == MaskMethod::kMeanDifference ? n_guard : has_look ? 2.0 : 1.0;
    }
  }
  return n_mask * to_double(std::ssize(search.alphas));
}

/// One prefill estimate of all conversations of the selection split.
Tokens estimate(const RunTokens& run) {
  Tokens sum = over_sets(run, 1, has_margin, questions);
  const auto texts = damage_texts(run, 1);
  if (!texts.empty()) {
    sum.prefill += texts.front().n * texts.front().size;
  }
  return sum;
}

/// Estimates for all trials, replies for the finalists: the better half answers everything.
Tokens halving(const Scenario& scenario, const RunTokens& run) {
  const SetTokens& target = target_of(run);
  const double n_all = n_trial(scenario);
  const double n_final = std::min(n_all, to_double(scenario.search.n_finalist));
  const double n_whole = std::min(n_all, std::max(2.0 * n_final, std::ceil(n_all / 2.0)));
  Tokens sum = references(run, 1);
  sum.add(estimate(run), 1.0 + n_all / 4.0 + 0.75 * n_whole);
  const double n_row = to_double(target.n[1]);
  const double n_first = std::min(n_row, to_double(kChunk));
  const double n_half = n_final > 2.0 ? std::max(2.0, std::ceil(n_final / 2.0)) : n_final;
  sum.add(replies(target, n_final * n_first + n_half * (n_row - n_first), true));
  sum.add(limits(run), std::min(n_final, kLimitTrials));
  return sum;
}

/// A series of settings ends with the first that harms the general text: 0.4 are taken to be tried,
/// 0.3 to keep the text, and a tenth to get as far as the limits of the other sets, as five runs on
/// the zoo have it. The random masks are those of a run that has found a mask.
Tokens baselines(const Scenario& scenario, const RunTokens& run) {
  const SetTokens& target = target_of(run);
  Tokens sum;
  for (const auto& [n_setting, is_steered] : run.baselines) {
    const double n = to_double(n_setting);
    const double n_target = std::max(1.0, kHarmlessShare * n) * to_double(target.n[1]);
    sum.prefill += is_steered ? kTriedShare * n * run.text.limited[1] : 0.0;
    sum.add(replies(target, n_target, is_steered));
    sum.add(limits(run, is_steered), std::max(1.0, kLimitShare * n));
    sum.add(tested(run, is_steered));
  }
  const int64_t n_random = scenario.baselines.n_random_mask * target.n[2];
  sum.add(replies(target, to_double(n_random), true));
  return sum;
}

/// Replies for all trials; a third is taken to reach the limits of the other sets.
Tokens replies_for_all(const Scenario& scenario, const RunTokens& run) {
  const SetTokens& target = target_of(run);
  Tokens sum = replies(target, n_trial(scenario) * to_double(target.n[1]), true);
  sum.add(limits(run), n_trial(scenario) / 3.0);
  return sum;
}

Tokens select(const Scenario& scenario, const RunTokens& run) {
  Tokens sum = over_sets(
      run, 1, has_margin, [](const SetTokens& set, double n) { return replies(set, n, false); });
  sum.prefill += (1.0 + n_trial(scenario)) * run.text.limited[1];
  sum.add(scenario.search.n_finalist > 0 ? halving(scenario, run) : replies_for_all(scenario, run));
  return sum;
}

Tokens test(const RunTokens& run) {
  Tokens sum = tested(run);
  for (const SetTokens& set : run.sets) {
    const double n = to_double(set.n[2]);
    const double n_sample = to_double(set.n_sample);
    sum.add(replies(set, n, false), 1.0 + n_sample);
    sum.add(replies(set, n, true), n_sample);
    const double n_routed = at_most(n, kSampledPerSet + kChangedPerSet);
    sum.prefill += kRoutingForms * n_routed * (set.prompt + set.reply);
    if (has_margin(set)) {  // at the end of each user message; they share their beginnings
      sum.add(questions(set, n_routed), 2.0);
    }
  }
  sum.prefill += run.text.n_tested + run.text.n_choice;
  return sum;
}

StageForecast stage_of(const std::string& name, const Tokens& tokens) {
  return {name,
          std::llround(tokens.prefill),
          std::llround(tokens.generated),
          std::llround(tokens.gradient),
          0.0,
          std::llround(tokens.text_gradient),
          std::llround(tokens.opening)};
}

}  // namespace

std::vector<StageForecast> count_stages(const Scenario& scenario, const RunTokens& tokens) {
  std::vector<StageForecast> stages;
  if (play(tokens).generated > 0.0) {
    stages.push_back(stage_of("play", play(tokens)));
  }
  stages.push_back(stage_of("label", label(tokens)));
  stages.push_back(stage_of("trace", trace(tokens)));
  stages.push_back(stage_of("train_and_steer", {}));
  if (asks_openings(scenario)) {
    stages.push_back(stage_of("closed_loop", closed_loop(scenario, tokens)));
  }
  stages.push_back(stage_of("select", select(scenario, tokens)));
  stages.push_back(stage_of("test", test(tokens)));
  if (!tokens.baselines.empty()) {
    stages.push_back(stage_of("baselines", baselines(scenario, tokens)));
  }
  return stages;
}

double surrogate_work(const Scenario& scenario,
                      const RunTokens& tokens,
                      int64_t n_layer,
                      int64_t n_expert) {
  if (!scenario.uses(MaskMethod::kSurrogate)) {
    return 0.0;
  }
  double n_token = 0.0;
  for (const SetTokens& set : tokens.sets) {
    n_token += is_judged(set) ? to_double(set.n[0]) * set.final_user : 0.0;
  }
  const SearchOptions& search = scenario.search;
  const double n_proj = to_double(scenario.train.n_proj);
  const double n_hidden = to_double(scenario.train.n_hidden);
  const double n_row = to_double(n_layer) * n_proj;
  const double per_token =
      2.0 * (n_row * to_double(n_expert) + 4.0 * n_hidden * (n_row + n_hidden));
  const double n_seed = to_double(std::ssize(search.seeds));
  // Five folds and the whole; forward and backward pass are three times the forward one.
  const double n_train = 6.0 * to_double(scenario.train.n_epoch) * n_seed;
  const double n_most = to_double(*std::max_element(search.epochs.begin(), search.epochs.end()));
  const double n_steer =
      n_most * n_seed * to_double(std::ssize(search.lambdas) * std::ssize(search.preserves));
  return 3.0 * per_token * n_token * (n_train + n_steer);
}

}  // namespace mascing
