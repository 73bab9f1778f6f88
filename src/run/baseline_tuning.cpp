// Tuning asks the cheapest question first, as the choice among masks does: general text, some of
// the target set, all of it, then the limits of hold, keep and benign sets.
#include "run/baseline_tuning.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/text.h"
#include "scenario/text_blocks.h"
#include "search/constraint_check.h"

namespace mascing {
namespace {

/// How far a setting came on the selection split.
enum class Tier { kTooMuchDamage, kMeasured, kKeepsHold, kFeasible };

struct SettingResult {
  CandidateResult result;
  Tier tier = Tier::kTooMuchDamage;

  [[nodiscard]] double rate(const std::string& metric) const {
    const auto found = result.rates.find(metric);
    return found == result.rates.end() ? -1.0 : found->second.rate;
  }
};

/// One setting on its way through the questions.
struct SettingCheck {
  const EvalContext& context;
  const TuningBase& base;
  const Treatment& treatment;
  std::string what;  ///< names it in progress reports
};

Rate rate_of(const SettingCheck& check,
             const LoadedSet& set,
             const std::vector<Conversation>& rows,
             const std::string& what) {
  return ask_treated(check.context, set, rows, check.treatment, what).rate();
}

/// False, with the reason, if the general text suffers more than allowed.
bool keeps_text(const SettingCheck& check, CandidateResult& result) {
  const auto& [context, base, treatment, what] = check;
  if (base.blocks.empty()) {
    return true;
  }
  result.perplexity = context.evaluator.text_perplexity(base.blocks, treatment.steering).value;
  const double limit = base.perplexity * (1.0 + context.scenario.search.max_perplexity_rise);
  if (result.perplexity <= limit) {
    return true;
  }
  result.rejection_reason =
      "perplexity " + format_number(result.perplexity, 1) + " > " + format_number(limit, 1);
  return false;
}

/// False, with the reason, if the target's rate is no better than that of the best setting so far.
bool beats(const SettingCheck& check, const Rate& best, CandidateResult& result) {
  const LoadedSet& target = check.context.target();
  const auto& all = target.rows(Split::kSelection);
  std::vector<Conversation> first = all;
  first.resize(std::min<size_t>(first.size(), kChunk));
  Rate& reached = result.rates[target.spec.metric];
  reached = rate_of(check, target, first, check.what);
  if (reached.high < best.low) {
    result.rejection_reason = "trailing after " + std::to_string(kChunk) + " conversations";
    return false;
  }
  reached = rate_of(check, target, all, check.what);
  if (reached.rate <= best.rate) {
    result.rejection_reason = "worse than the best";
    return false;
  }
  return true;
}

/// Hold sets come first: a setting that fails later keeps them.
Tier check_limits(const SettingCheck& check, CandidateResult& result) {
  Tier tier = Tier::kMeasured;
  for (const SetRole role : {SetRole::kHold, SetRole::kKeep, SetRole::kBenign}) {
    for (const LoadedSet& set : check.context.data.sets) {
      if (set.spec.role != role || !result.rejection_reason.empty()) {
        continue;
      }
      const std::string& metric = set.spec.metric;
      const auto& rows = set.rows(Split::kSelection);
      const Rate reached = rate_of(check, set, rows, check.what + ", " + metric);
      result.rates[metric] = reached;
      result.rejection_reason =
          broken_limit(set.spec, check.base.rates.at(metric).rate, reached.rate, std::ssize(rows));
    }
    if (role == SetRole::kHold && result.rejection_reason.empty()) {
      tier = Tier::kKeepsHold;
    }
  }
  return result.rejection_reason.empty() ? Tier::kFeasible : tier;
}

/// `best`: the target's rate over the feasible settings so far.
SettingResult try_setting(const SettingCheck& check, const Rate& best) {
  SettingResult tried;
  if (!keeps_text(check, tried.result)) {
    return tried;
  }
  tried.tier = Tier::kMeasured;
  if (beats(check, best, tried.result)) {
    tried.tier = check_limits(check, tried.result);
    tried.result.feasible = tried.tier == Tier::kFeasible;
  }
  return tried;
}

}  // namespace

TuningBase measure_tuning_base(const EvalContext& context) {
  CachedEvaluator& evaluator = context.evaluator;
  TuningBase base;
  base.blocks = limited_blocks(evaluator.host(), context.data, context.scenario, Split::kSelection);
  base.perplexity = base.blocks.empty() ? 0.0 : evaluator.text_perplexity(base.blocks, {}).value;
  for (const LoadedSet& set : context.data.sets) {
    if (set.spec.role != SetRole::kWatch) {
      base.rates[set.spec.metric] =
          ask_treated(context, set, set.rows(Split::kSelection), {}, "base").rate();
    }
  }
  return base;
}

TunedBaseline tune_baseline(const EvalContext& context,
                            const TuningBase& base,
                            const Baseline& baseline) {
  const std::string& target = context.target().spec.metric;
  Rate best_rate{-1.0, -1.0, -1.0};
  std::set<int64_t> exhausted;
  SettingResult best;
  size_t i_best = 0;
  for (size_t i = 0; i < baseline.settings.size(); ++i) {
    const BaselineSetting& setting = baseline.settings[i];
    if (exhausted.count(setting.i_series) != 0) {
      continue;
    }
    SettingResult tried = try_setting(
        {context, base, setting.treatment, "tuning " + baseline.method + ", " + setting.words},
        best_rate);
    if (tried.tier == Tier::kTooMuchDamage) {
      exhausted.insert(setting.i_series);
    }
    if (tried.tier == Tier::kFeasible) {
      best_rate = tried.result.rates.at(target);
    }
    if (i == 0 || tried.tier > best.tier ||
        (tried.tier == best.tier && tried.rate(target) > best.rate(target))) {
      best = std::move(tried);
      i_best = i;
    }
  }
  return {i_best, std::move(best.result)};
}

}  // namespace mascing
