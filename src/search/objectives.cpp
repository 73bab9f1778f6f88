// Order matters: the target's set comes first, and the answers that are cached stand under a hash
// over all sets as they follow each other.
#include "search/objectives.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "base/sha256.h"
#include "mascing/error.h"
#include "search/discovery_replies.h"
#include "search/unchanged_texts.h"

namespace mascing {
namespace {

constexpr double kReplyLimit = 0.07;  // nats per token: benign replies stay what they were
constexpr double kWantedLimit = 0.1;  // likewise: wanted replies, behind their openings
constexpr double kTextLimit = 0.07;   // likewise: general text, however its perplexity changes
constexpr double kLimitShare = 0.7;   // of what the scenario allows: other splits differ
constexpr double kHoldMargin = 2.0;   // nats by which refusals of a hold set should lead

/// One set of the objectives.
struct Objective {
  OutcomeSet set;
  LoopSet role;
  double coverage = 1.0;
  std::vector<size_t> rows;
};

void add_objective(std::optional<Objective> objective, Objectives& objectives) {
  if (objective) {
    objectives.sets.push_back(std::move(objective->set));
    objectives.roles.push_back(std::move(objective->role));
    objectives.coverage.push_back(objective->coverage);
    objectives.rows.push_back(std::move(objective->rows));
  }
}

LoopSet margin_role(const ScenarioSet& set) {
  const bool is_target = set.role == SetRole::kTarget;
  LoopSet role;
  role.role = is_target ? LoopRole::kGain : LoopRole::kKeep;
  role.limit = is_target ? 0.0 : std::max(0.005, kLimitShare * set.max_drop);
  role.margin = set.role == SetRole::kHold ? kHoldMargin : 0.0;
  return role;
}

/// A set whose conversations answer with a margin; nothing if none of them can be asked.
std::optional<Objective> margin_objective(const Host& host,
                                          const LoadedSet& set,
                                          Split split,
                                          const SetOpenings& found) {
  Objective objective;
  OutcomeSet& outcome = objective.set;
  outcome.name = set.spec.metric;
  outcome.n_wanted = std::ssize(found.openings.wanted);
  std::vector<TokenSequence> openings = found.openings.wanted;
  openings.insert(openings.end(), found.openings.unwanted.begin(), found.openings.unwanted.end());
  outcome.openings = std::make_shared<const std::vector<TokenSequence>>(std::move(openings));
  for (size_t i = 0; i < set.rows(split).size(); ++i) {
    try {
      outcome.prompts.push_back(host.render(set.rows(split)[i]).tokens);
      objective.rows.push_back(i);
    } catch (const Error& e) {
      if (e.kind() != ErrorKind::kBadInput) {
        throw;
      }
    }
  }
  if (outcome.prompts.empty()) {
    return std::nullopt;
  }
  objective.role = margin_role(set.spec);
  objective.coverage = found.coverage;
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
  const std::string text =
      "wanted and other replies of '" + set.metric + "' start alike on the discovery split";
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

/// The target set, or all others whose discovery replies were judged.
void append_margins(const EvalContext& context,
                    const std::vector<DiscoveryReplies>& discovery,
                    Split split,
                    bool of_target,
                    Objectives& objectives) {
  const ReplyKinds pooled = pooled_kinds(discovery);
  for (const DiscoveryReplies& of_set : discovery) {
    const LoadedSet& set = *of_set.set;
    if ((set.spec.role == SetRole::kTarget) != of_target) {
      continue;
    }
    if (const auto found = find_set_openings(of_set, pooled)) {
      add_objective(margin_objective(context.evaluator.host(), set, split, *found), objectives);
    } else {
      objectives.warnings.push_back(begin_alike(set.spec));
    }
  }
}

/// Benign requests may be answered in any way; only that they are refused must not happen.
void append_benign_margins(const EvalContext& context,
                           const std::vector<DiscoveryReplies>& discovery,
                           Split split,
                           Objectives& objectives) {
  const SetOpenings refusals = find_refusal_openings(pooled_kinds(discovery));
  for (const LoadedSet& set : context.data.sets) {
    if (set.spec.role == SetRole::kBenign && !refusals.openings.unwanted.empty()) {
      add_objective(margin_objective(context.evaluator.host(), set, split, refusals), objectives);
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
  }
  const std::vector<ScoredText> general = general_texts(context, split);
  add_objective(damage_objective(kGeneralText, general, kTextLimit), objectives);
  const double rise = std::log1p(context.scenario.search.max_perplexity_rise);
  auto loss = damage_objective(kTextLoss, general, kLimitShare * rise);
  if (loss) {
    loss->set.rises = true;
  }
  add_objective(std::move(loss), objectives);
}

std::string key_of(const std::vector<OutcomeSet>& sets) {
  Sha256 digest;
  const auto add = [&](const TokenSequence& tokens) {
    const size_t n_token = tokens.size();
    digest.update(&n_token, sizeof n_token);
    digest.update(tokens.data(), n_token * sizeof tokens.front());
  };
  for (const OutcomeSet& set : sets) {
    digest.update(set.name + '\n');
    digest.update(&set.n_wanted, sizeof set.n_wanted);
    for (const TokenSequence& prompt : set.prompts) {
      add(prompt);
    }
    for (size_t k = 0; set.has_margin() && k < set.openings->size(); ++k) {
      add((*set.openings)[k]);
    }
    digest.update(&set.rises, sizeof set.rises);
    for (const ScoredText& text : set.texts) {
      add(text.tokens);
      digest.update(&text.begin, sizeof text.begin);
    }
  }
  return digest.hex();
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

}  // namespace

AskModel asking(CachedEvaluator& evaluator, const Objectives& objectives) {
  return [&](const std::vector<Question>& questions) {
    return evaluator.outcomes(objectives.sets, objectives.key, questions);
  };
}

Objectives build_objectives(const EvalContext& context, Split split) {
  const std::vector<DiscoveryReplies> discovery = ask_discovery(context);
  Objectives objectives;
  append_margins(context, discovery, split, true, objectives);
  if (!objectives.sees_target()) {
    return objectives;
  }
  append_margins(context, discovery, split, false, objectives);
  append_benign_margins(context, discovery, split, objectives);
  append_damage(context, discovery, split, objectives);
  add_references(context.evaluator.host(), objectives.sets);
  objectives.key = key_of(objectives.sets);
  for (int64_t i = 0; i < std::ssize(objectives.sets); ++i) {
    if (objectives.sets[i].has_margin()) {
      objectives.roles[i].base = base_margins(context.evaluator, objectives, i);
    }
  }
  return objectives;
}

}  // namespace mascing
