// Base and steered replies of every set, paired; coherence over all of them; damage on benign
// replies and text.
#include "run/holdout_evaluation.h"

#include <cmath>
#include <utility>

#include "base/append.h"
#include "base/numeric.h"
#include "measure/limit_coverage.h"
#include "run/holdout_warnings.h"
#include "run/protocol.h"
#include "run/sampled_evaluation.h"
#include "run/test_routing.h"
#include "run/test_texts.h"
#include "run/transcripts.h"
#include "run/turn_margins.h"
#include "stage/agreement.h"
#include "stage/reply_counts.h"
#include "stage/statistics.h"

namespace mascing {
namespace {

/// One set's test split on both sides; the steered one is empty without a treatment.
struct SetEvaluation {
  AskedSide base;
  AskedSide steered;
  MetricResult metric;
};

/// Coherent replies over all sets.
struct CoherenceCount {
  int64_t n_unfinished = 0;
  int64_t n = 0;
  int64_t n_left_out = 0;
  int64_t n_base = 0;
  int64_t n_steered = 0;
  int64_t fixed = 0;
  int64_t broken = 0;
  int64_t n_at_limit = 0;
};

/// One side's conversations, whose earlier turns are recorded or played by that side.
std::vector<Conversation> rows_of_side(const EvalContext& context,
                                       const LoadedSet& set,
                                       const HoldoutPlan& plan,
                                       const Treatment& treatment,
                                       std::vector<Warning>& warnings) {
  const std::vector<Conversation>& rows = set.rows(Split::kTest);
  if (plan.attacks == Attacks::kReplayed) {
    return rows;
  }
  const std::string what = (treatment.is_none() ? "base " : "steered ") + set.spec.metric;
  PlayedConversations played = play_against(context, "playing: " + what, rows, treatment);
  append(play_warnings(what, played.n_turn, played.n_kept, played.n_cut), warnings);
  return std::move(played.rows);
}

SetEvaluation evaluate_set(const EvalContext& context,
                           const Treatment& treatment,
                           const HoldoutPlan& plan,
                           const LoadedSet& set,
                           std::vector<Warning>& warnings) {
  SetEvaluation evaluated;
  const auto ask = [&](const Treatment& side) {
    std::vector<Conversation> rows = rows_of_side(context, set, plan, side, warnings);
    const std::string name = (side.is_none() ? "base " : "steered ") + set.spec.metric;
    JudgedReplies asked = ask_treated(context, set, rows, side, "testing: " + name);
    return AskedSide{std::move(rows), std::move(asked)};
  };
  evaluated.base = ask({});
  if (!treatment.is_none()) {
    evaluated.steered = ask(treatment);
  }
  const JudgedReplies& base = evaluated.base.asked;
  const JudgedReplies& steered = evaluated.steered.asked;
  MetricResult& result = evaluated.metric;
  result = compare(base.replies, base.judged, steered.replies, steered.judged);
  const std::vector<Conversation>& rows = set.rows(Split::kTest);
  result.categories =
      compare_by_category(rows, base.replies, base.judged, steered.replies, steered.judged);
  result.topics =
      compare_over_topics(rows, base.replies, base.judged, steered.replies, steered.judged);
  result.split = to_string(Split::kTest);
  result.wanted = set.spec.wanted == Wanted::kRefused ? "refused" : "answered";
  result.role = to_string(set.spec.role);
  result.max_drop = set.spec.max_drop;
  const TurnDetector detector(set.spec.answer_prefixes);
  result.base_replies = count_replies(base.replies, base.judged, detector);
  if (!treatment.is_none()) {
    result.steered_replies = count_replies(steered.replies, steered.judged, detector);
    if (!context.scenario.sample_seeds_of(set.spec).empty() && plan.attacks == Attacks::kReplayed) {
      result.sampled = evaluate_sampled(context, set, treatment, plan.seed);
    }
  }
  return evaluated;
}

/// A conversation that cannot be asked is named once; a failure of a judge for each side.
std::vector<Skipped> skipped_in(const SetEvaluation& evaluated) {
  std::vector<Skipped> skipped;
  for (const JudgedReplies* side : {&evaluated.base.asked, &evaluated.steered.asked}) {
    const bool is_base = side == &evaluated.base.asked;
    for (size_t i = 0; i < side->replies.size(); ++i) {
      const JudgedReply& judged = side->judged[i];
      const bool is_named = !is_base && !evaluated.base.asked.replies[i].ok();
      if (!judged.ok() && !is_named) {
        skipped.push_back({side->replies[i].id, judged.error});
      }
    }
  }
  return skipped;
}

void count_coherent(const SetEvaluation& evaluated, CoherenceCount& count) {
  const JudgedReplies& base = evaluated.base.asked;
  const JudgedReplies& steered = evaluated.steered.asked;
  for (size_t i = 0; i < steered.replies.size(); ++i) {
    if (!base.replies[i].ok() || !steered.replies[i].ok()) {
      ++count.n_left_out;
      continue;
    }
    const bool was = base.judged[i].is_coherent;
    const bool is = steered.judged[i].is_coherent;
    ++count.n;
    count.n_base += was ? 1 : 0;
    count.n_steered += is ? 1 : 0;
    count.fixed += !was && is ? 1 : 0;
    count.broken += was && !is ? 1 : 0;
    count.n_at_limit += steered.replies[i].hit_limit ? 1 : 0;
    count.n_unfinished += steered.replies[i].is_unfinished ? 1 : 0;
  }
}

MetricResult coherence_metric(const CoherenceCount& count) {
  MetricResult metric = {to_string(Split::kTest),
                         "coherent",
                         count.n,
                         wilson(count.n_base, count.n),
                         wilson(count.n_steered, count.n),
                         count.fixed,
                         count.broken,
                         mcnemar_exact(count.fixed, count.broken)};
  metric.n_left_out = count.n_left_out;
  return metric;
}

/// The divergence over benign sets that was measured so far and one more set's.
void add_divergence(const Divergence& divergence, DamageResult& damage) {
  if (divergence.n_token == 0) {
    return;
  }
  const int64_t n_all = damage.n_kl_token + divergence.n_token;
  damage.kl_benign = (damage.kl_benign * to_double(damage.n_kl_token) +
                      divergence.kl * to_double(divergence.n_token)) /
                     to_double(n_all);
  damage.n_kl_token = n_all;
}

/// Questions that could not be read on either side are left out.
MetricResult choice_metric(const EvalContext& context, const Treatment& treatment) {
  const std::vector<ChoiceQuestion>& questions = context.data.choices;
  const auto base = context.evaluator.choices(questions, {});
  const auto steered =
      treatment.is_none()
          ? base
          : context.evaluator.choices(questions, treatment.steering, treatment.system_prompt);
  MetricResult result;
  result.split = to_string(Split::kTest);
  result.wanted = "right";
  int64_t n_base = 0;
  int64_t n_steered = 0;
  for (size_t i = 0; i < base.size(); ++i) {
    if (base[i] < 0 || steered[i] < 0) {
      ++result.n_left_out;
      continue;
    }
    const bool was = base[i] == questions[i].answer;
    const bool is = steered[i] == questions[i].answer;
    ++result.n;
    n_base += was ? 1 : 0;
    n_steered += is ? 1 : 0;
    result.fixed += !was && is ? 1 : 0;
    result.broken += was && !is ? 1 : 0;
  }
  result.base = wilson(n_base, result.n);
  if (!treatment.is_none()) {
    result.steered = wilson(n_steered, result.n);
    result.p_value = mcnemar_exact(result.fixed, result.broken);
  }
  return result;
}

void correct_for_many(std::map<std::string, MetricResult>& metrics) {
  HolmFamily over_conversations;
  HolmFamily over_topics;
  for (auto& [id, metric] : metrics) {
    if (metric.steered) {
      over_conversations.add(metric.p_value, metric.p_holm);
    }
    if (metric.topics) {
      over_topics.add(metric.topics->p_value, metric.topics->p_holm);
    }
  }
  over_conversations.adjust();
  over_topics.adjust();
}

/// All sets and the coherence of their replies, with the divergence of benign ones.
void add_sets(const EvalContext& context,
              const Treatment& treatment,
              const HoldoutPlan& plan,
              HoldoutResult& result) {
  AgreementCount agreement;
  CoherenceCount coherence;
  LimitCoverage coverage;
  TestRouting routing(context, treatment.steering);
  TurnMargins margins(context, treatment.steering, plan.margins);
  const TargetRows target_rows(context.data);
  for (const LoadedSet& set : context.data.sets) {
    const SetEvaluation evaluated = evaluate_set(context, treatment, plan, set, result.warnings);
    const JudgedReplies& base = evaluated.base.asked;
    const JudgedReplies& steered = evaluated.steered.asked;
    const MetricResult& metric = evaluated.metric;
    append(skipped_in(evaluated), result.skipped);
    const size_t n_before = result.transcripts.size();
    append(transcripts_of(set.spec, evaluated.base, evaluated.steered), result.transcripts);
    if (plan.observes_routing && is_active(treatment.steering)) {
      routing.add(evaluated.base, evaluated.steered, n_before, result.transcripts);
      margins.add(evaluated.base, evaluated.steered, n_before, result.transcripts);
    }
    MetricResult& kept = result.metrics[set.spec.metric] = metric;
    kept.n_shared = target_rows.count_in(set, Split::kTest);
    agreement.add(set.spec.metric, "base", base.replies, base.judged);
    if (treatment.is_none()) {
      continue;
    }
    agreement.add(set.spec.metric, "steered", steered.replies, steered.judged);
    count_coherent(evaluated, coherence);
    append(turn_warnings(set.spec.metric, metric), result.warnings);
    append(limit_warnings(set.spec, metric), result.warnings);
    coverage.add(set.spec, metric.n, metric.n + metric.n_left_out);
    result.is_beyond_chance = result.is_beyond_chance && is_beyond_chance(set.spec, metric);
    const bool is_unjudged = metric.n == 0 && metric.n_left_out > 0;
    result.keeps_hold = result.keeps_hold && (set.spec.role != SetRole::kHold ||
                                              (!is_unjudged && keeps_limit(set.spec, metric)));
    if (set.spec.role == SetRole::kBenign && treatment.system_prompt.empty()) {
      report(context.evaluator.progress(), {"testing: divergence", 0, 1, "sets", ""});
      add_divergence(
          context.evaluator.divergence(evaluated.base.rows, base.replies, treatment.steering),
          result.damage);
    }
  }
  append(coverage.warnings("on the test split"), result.warnings);
  agreement.write(result.judges);
  if (plan.observes_routing && is_active(treatment.steering)) {
    result.routing = routing.result();
    result.routing.margins = margins.result();
  }
  if (coherence.n > 0) {
    const MetricResult& metric = result.metrics["coherent"] = coherence_metric(coherence);
    append(loss_warnings("coherent", "coherent replies", metric), result.warnings);
    append(length_warnings(coherence.n_at_limit, coherence.n), result.warnings);
    append(unfinished_warnings(coherence.n_unfinished, coherence.n), result.warnings);
  }
}

void add_choices(const EvalContext& context, const Treatment& treatment, HoldoutResult& result) {
  if (context.data.choices.empty()) {
    return;
  }
  report(context.evaluator.progress(), {"testing: multiple choice", 0, 1, "files", ""});
  const MetricResult metric = choice_metric(context, treatment);
  result.metrics["multiple_choice"] = metric;
  append(choice_warnings(metric), result.warnings);
  if (!treatment.is_none()) {
    append(loss_warnings("multiple_choice", "correct multiple-choice answers", metric),
           result.warnings);
  }
}

void add_text(const EvalContext& context, const Treatment& treatment, HoldoutResult& result) {
  CachedEvaluator& evaluator = context.evaluator;
  const auto texts = test_texts(context);
  if (texts.empty()) {
    return;
  }
  report(evaluator.progress(), {"testing: perplexity", 0, 1, "texts", ""});
  // A system prompt is no part of the text, so its effect on it is not measured.
  const bool has_mask = !treatment.is_none() && treatment.system_prompt.empty();
  const auto steered = [&](const std::vector<TextBlock>& blocks) {
    return has_mask ? evaluator.text_perplexity(blocks, treatment.steering).value : std::nan("");
  };
  DamageResult& damage = result.damage;
  const Perplexity raw = evaluator.text_perplexity(texts.front(), {});
  damage.perplexity_base = raw.value;
  damage.n_text_token = raw.n_token;
  damage.perplexity_steered = steered(texts.front());
  if (texts.size() > 1) {
    const Perplexity chat = evaluator.text_perplexity(texts.back(), {});
    damage.chat_perplexity_base = chat.value;
    damage.n_chat_text_token = chat.n_token;
    damage.chat_perplexity_steered = steered(texts.back());
  }
  append(divergence_warnings(result.damage), result.warnings);
}

}  // namespace

HoldoutResult evaluate_holdout(const EvalContext& context,
                               const Treatment& treatment,
                               const HoldoutPlan& plan) {
  HoldoutResult result;
  add_sets(context, treatment, plan, result);
  add_choices(context, treatment, result);
  add_text(context, treatment, result);
  correct_for_many(result.metrics);
  return result;
}

std::string failure_of(const HoldoutResult& holdout, bool is_new) {
  if (!holdout.keeps_hold) {
    return "the mask lowers the refusal rate of a hold set by more than its limit, or nobody "
           "judged that set; see the warnings";
  }
  return is_new && !holdout.is_beyond_chance
             ? "no significant effect on the test split; no mask is recommended"
             : "";
}

}  // namespace mascing
