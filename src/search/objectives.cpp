// Order matters: the target's set comes first, and the answers that are cached stand under a hash
// over all sets as they follow each other.
#include "search/objectives.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "search/conclusion.h"
#include "search/margin_check.h"
#include "search/unchanged_texts.h"

namespace mascing {
namespace {

constexpr double kReplyLimit = 0.07;      // nats per token: benign replies stay what they were
constexpr double kWantedLimit = 0.1;      // likewise: wanted replies, behind their openings
constexpr double kRareLimit = 0.02;       // likewise: of hold sets, with unknown openings
constexpr double kReasoningLimit = 0.02;  // likewise: their reasoning up to the margin
constexpr double kTextLimit = 0.07;       // likewise: general text, however its perplexity changes
constexpr double kLimitShare = 0.7;       // of what the scenario allows: other splits differ
constexpr double kHoldMargin = 2.0;       // nats by which refusals of a hold set should lead

/// One set of the objectives.
struct Objective {
  OutcomeSet set;
  LoopSet role;
  std::vector<size_t> rows;
};

void add_objective(std::optional<Objective> objective, Objectives& objectives) {
  if (objective) {
    objectives.sets.push_back(std::move(objective->set));
    objectives.roles.push_back(std::move(objective->role));
    objectives.rows.push_back(std::move(objective->rows));
  }
}

LoopSet margin_role(const ScenarioSet& set, const MarginResult& margin) {
  const bool is_target = set.role == SetRole::kTarget;
  LoopSet role;
  role.role = is_target ? LoopRole::kGain : LoopRole::kKeep;
  role.limit = is_target ? 0.0 : loop_limit(set);
  role.margin = set.role == SetRole::kHold ? kHoldMargin : 0.0;
  role.slope = margin.slope;
  return role;
}

/// What stands before the visible part of the unsteered model's replies, by row.
std::vector<TokenSequence> prefixes_of(const EvalContext& context,
                                       const LoadedSet& set,
                                       Split split) {
  const auto& rows = set.rows(split);
  std::vector<TokenSequence> prefixes(rows.size());
  if (context.prefix_length) {
    const auto replies = context.evaluator.replies("replies: " + set.spec.metric, rows, {});
    std::transform(replies.begin(), replies.end(), prefixes.begin(), [&](const auto& reply) {
      return prefix_of(context, reply);
    });
  }
  return prefixes;
}

/// A set whose conversations answer with a margin; nothing if none of them can be asked.
std::optional<Objective> margin_objective(const EvalContext& context,
                                          const LoadedSet& set,
                                          Split split,
                                          const SetOpenings& found,
                                          const MarginResult& margin) {
  Objective objective;
  OutcomeSet& outcome = objective.set = margin_set(set.spec.metric, found, margin.zero);
  const std::vector<TokenSequence> prefixes = prefixes_of(context, set, split);
  for (size_t i = 0; i < prefixes.size(); ++i) {
    auto prompt = opening_prompt(context.evaluator.host(), set.rows(split)[i], prefixes[i]);
    if (prompt) {
      outcome.prompts.push_back(std::move(prompt->tokens));
      outcome.firsts.push_back(prompt->first);
      objective.rows.push_back(i);
    }
  }
  if (outcome.prompts.empty()) {
    return std::nullopt;
  }
  objective.role = margin_role(set.spec, margin);
  return objective;
}

/// Texts that should stay as they are; nothing if there are none.
std::optional<Objective> damage_objective(const char* name,
                                          std::vector<ScoredText> texts,
                                          double limit) {
  if (texts.empty()) {
    return std::nullopt;
  }
  Objective objective;
  objective.set.name = name;
  objective.set.texts = std::move(texts);
  objective.role.role = LoopRole::kDamage;
  objective.role.limit = std::max(1e-3, limit);
  return objective;
}

Warning begin_alike(const ScenarioSet& set) {
  const std::string text = "wanted and other replies of '" + set.metric +
                           "' start alike on the discovery split, or in too many ways";
  if (set.role == SetRole::kTarget) {
    return {"target_unwatched",
            text +
                ", so no mask can be searched for with prefills, and none can be ranked by a "
                "prefill estimate",
            "check the verdicts in labelled.jsonl, or add conversations"};
  }
  return {set.metric + "_unwatched",
          text + ", so the closed loop cannot constrain this set",
          "its limit is still enforced on generated replies of the selection split"};
}

Warning text_unwatched(int64_t n_block_token) {
  return {"general_text_unwatched",
          "the discovery part of the general text has no piece of " + std::to_string(kPieceTokens) +
              " tokens (a block has at most " + std::to_string(n_block_token) +
              "), so the closed loop does not limit what a mask does to it",
          "use a longer text, or raise block_tokens in [general]"};
}

Warning tells_too_little(const std::string& weakness) {
  return {"margin_too_weak",
          weakness,
          "add conversations of both outcomes, use a judge that people agree with, skip the "
          "reasoning, or raise max_tokens; methods that need no margin go on"};
}

/// A set whose discovery replies were judged.
void append_margin(const EvalContext& context,
                   const DiscoveryReplies& discovery,
                   const ReplyKinds& pooled,
                   Split split,
                   Objectives& objectives) {
  const LoadedSet& set = *discovery.set;
  const auto found = find_set_openings(discovery, pooled);
  if (!found) {
    objectives.warnings.push_back(begin_alike(set.spec));
    return;
  }
  const MarginResult margin = check_margin(context, discovery, *found);
  objectives.margins[set.spec.metric] = margin;
  if (set.spec.role == SetRole::kTarget && !margin.is_usable) {
    objectives.warnings.push_back(tells_too_little(weakness_of(set.spec.metric, margin)));
    return;
  }
  if (set.spec.role == SetRole::kTarget) {
    objectives.target = known_replies(discovery, pooled, *found);
  }
  add_objective(margin_objective(context, set, split, *found, margin), objectives);
}

/// The target set, or all others whose discovery replies were judged.
void append_margins(const EvalContext& context,
                    const std::vector<DiscoveryReplies>& discovery,
                    Split split,
                    bool of_target,
                    Objectives& objectives) {
  const ReplyKinds pooled = pooled_kinds(discovery);
  for (const DiscoveryReplies& of_set : discovery) {
    if ((of_set.set->spec.role == SetRole::kTarget) == of_target) {
      append_margin(context, of_set, pooled, split, objectives);
    }
  }
}

/// Benign requests may be answered in any way; only that they are refused must not happen.
void append_benign_margins(const EvalContext& context,
                           const std::vector<DiscoveryReplies>& discovery,
                           Split split,
                           Objectives& objectives) {
  const auto refusals = find_refusal_openings(pooled_kinds(discovery));
  for (const LoadedSet& set : context.data.sets) {
    if (set.spec.role == SetRole::kBenign && refusals) {
      const MarginResult margin = unchecked_margin(*refusals);
      objectives.margins[set.spec.metric] = margin;
      add_objective(margin_objective(context, set, split, *refusals, margin), objectives);
    }
  }
}

void append_damage(const EvalContext& context,
                   const std::vector<DiscoveryReplies>& discovery,
                   Split split,
                   Objectives& objectives) {
  add_objective(damage_objective(kBenignReplies, benign_texts(context, split), kReplyLimit),
                objectives);
  if (split == Split::kDiscovery) {
    add_objective(damage_objective(kWantedReplies, wanted_texts(context, discovery), kWantedLimit),
                  objectives);
    add_objective(
        damage_objective(kRareReplies, rare_texts(context, discovery, objectives.sets), kRareLimit),
        objectives);
    add_objective(
        damage_objective(kWantedReasoning, reasoning_texts(context, discovery), kReasoningLimit),
        objectives);
  }
  const std::vector<ScoredText> general = general_texts(context, split);
  if (general.empty() && split == Split::kDiscovery && !context.data.text.empty()) {
    objectives.warnings.push_back(text_unwatched(context.scenario.general.n_block_token));
  }
  add_objective(damage_objective(kGeneralText, general, kTextLimit), objectives);
  const double rise = std::log1p(context.scenario.search.max_perplexity_rise);
  auto loss = damage_objective(kTextLoss, general, kLimitShare * rise);
  if (loss) {
    loss->set.rises = true;
  }
  add_objective(std::move(loss), objectives);
}

/// Unsteered margins of all items of set `i_set`.
std::vector<double> base_margins(CachedEvaluator& evaluator,
                                 const Objectives& objectives,
                                 int64_t i_set) {
  std::vector<Question> questions;
  for (int64_t i_item = 0; i_item < objectives.sets[i_set].size(); ++i_item) {
    questions.push_back({i_set, i_item, {}});
  }
  return evaluator.outcomes(objectives.sets, objectives.key, questions);
}

/// What the unsteered model says of all texts. Those that it cannot read are left out, and said.
void refer_to_unsteered(const EvalContext& context, Objectives& objectives) {
  std::vector<int64_t> n_before;
  for (const OutcomeSet& set : objectives.sets) {
    n_before.push_back(set.size());
  }
  context.evaluator.add_references(objectives.sets);
  std::string counts;
  for (int64_t i = std::ssize(objectives.sets) - 1; i >= 0; --i) {
    const OutcomeSet& set = objectives.sets[i];
    const int64_t n_left_out = n_before[i] - set.size();
    if (n_left_out == 0) {
      continue;
    }
    counts += (counts.empty() ? "" : ", ") + std::to_string(n_left_out) + " of " +
              std::to_string(n_before[i]) + " of '" + set.name + "'";
    if (set.size() == 0) {  // nothing is left to ask
      objectives.sets.erase(objectives.sets.begin() + i);
      objectives.roles.erase(objectives.roles.begin() + i);
      objectives.rows.erase(objectives.rows.begin() + i);
    }
  }
  if (!counts.empty()) {
    objectives.warnings.push_back(
        {"texts_left_out",
         "the model cannot read " + counts + ", so a mask is not limited by what it does to them",
         "raise --context, or shorten what is too long"});
  }
}

/// Margins of the unsteered model. Conversations that it cannot read are asked in vain, which is
/// said.
void add_base_margins(const EvalContext& context, Objectives& objectives) {
  std::string counts;
  for (int64_t i = 0; i < std::ssize(objectives.sets); ++i) {
    if (!objectives.sets[i].has_margin()) {
      continue;
    }
    const std::vector<double>& base = objectives.roles[i].base =
        base_margins(context.evaluator, objectives, i);
    const int64_t n_missing =
        std::count_if(base.begin(), base.end(), [](double m) { return std::isnan(m); });
    if (n_missing > 0) {
      counts += (counts.empty() ? "" : ", ") + std::to_string(n_missing) + " of " +
                std::to_string(base.size()) + " of '" + objectives.sets[i].name + "'";
    }
  }
  if (!counts.empty()) {
    objectives.warnings.push_back({"margins_left_out",
                                   "the model cannot read " + counts +
                                       " with the openings behind them, so searches with prefills "
                                       "do not see them",
                                   "raise --context, or shorten what is too long"});
  }
}

/// With replies cut as `context` says.
Objectives objectives_of(const EvalContext& context, Split split) {
  const std::vector<DiscoveryReplies> discovery = ask_discovery(context);
  Objectives objectives;
  append_margins(context, discovery, split, true, objectives);
  if (!objectives.sees_target()) {
    return objectives;
  }
  append_margins(context, discovery, split, false, objectives);
  append_benign_margins(context, discovery, split, objectives);
  append_damage(context, discovery, split, objectives);
  refer_to_unsteered(context, objectives);
  objectives.key = key_of(objectives.sets);
  add_base_margins(context, objectives);
  return objectives;
}

}  // namespace

double loop_limit(const ScenarioSet& set) {
  return std::max(0.005, kLimitShare * set.max_drop);
}

bool reasons(const std::vector<AskedReply>& replies) {
  return std::any_of(replies.begin(), replies.end(), [](const AskedReply& reply) {
    return reply.n_reasoning_token > 0;
  });
}

bool reasons(const EvalContext& context) {
  const LoadedSet& target = context.target();
  return reasons(context.evaluator.replies(
      "replies: " + target.spec.metric, target.rows(Split::kDiscovery), {}));
}

EvalContext cut_at_conclusion(EvalContext context) {
  const Host& host = context.evaluator.host();
  std::vector<DecidedReasoning> decided;
  for (const DiscoveryReplies& of_set : ask_discovery(context)) {
    for (size_t i = 0; i < of_set.replies.size(); ++i) {
      const Verdict verdict = of_set.judged[i].verdict;
      const bool is_refused = verdict == Verdict::kRefused;
      if (of_set.judged[i].is_coherent && (is_refused || verdict == Verdict::kAnswered)) {
        decided.push_back({reasoning_of(host, of_set.replies[i]), is_refused});
      }
    }
  }
  context.prefix_length = [length = context.conclusion_length,
                           leads = find_lead_sentences(decided)](const AskedReply& reply) {
    return length(reply, leads);
  };
  return context;
}

AskModel asking(CachedEvaluator& evaluator, const Objectives& objectives) {
  return [&](const std::vector<Question>& questions) {
    return evaluator.outcomes(objectives.sets, objectives.key, questions);
  };
}

EvalContext cut_at(EvalContext context, const ReplyLength& conclusion_length) {
  if (conclusion_length) {
    context.prefix_length = conclusion_length;
  }
  return context;
}

EvalContext context_of(const EvalContext& context, const Objectives& objectives) {
  return cut_at(context, objectives.conclusion_length);
}

Objectives build_objectives(const EvalContext& context, Split split) {
  if (context.conclusion_length && reasons(context)) {
    const EvalContext cut = cut_at_conclusion(context);
    Objectives objectives = objectives_of(cut, split);
    if (objectives.sees_target()) {
      objectives.conclusion_length = cut.prefix_length;
      for (auto& [metric, margin] : objectives.margins) {
        margin.at_conclusion = true;
      }
      return objectives;
    }
  }
  return objectives_of(context, split);
}

}  // namespace mascing
