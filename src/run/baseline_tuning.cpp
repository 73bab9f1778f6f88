// Tuning asks the cheapest question first, as the choice among masks does: general text, some of
// the target set, all of it, then the limits of hold, keep and benign sets.
#include "run/baseline_tuning.h"

#include <set>
#include <utility>

#include "search/trial_evaluation.h"

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
  const ConstraintChecker& constraints;
  const Treatment& treatment;
  std::string what;  ///< names it in progress reports
};

/// False, with the reason, if the general text suffers more than allowed.
bool keeps_text(const SettingCheck& check, CandidateResult& result) {
  TextCheck text = check.constraints.check_text(check.treatment.steering);
  result.perplexity = text.perplexity;
  result.rejection_reason = std::move(text.rejection_reason);
  return result.rejection_reason.empty();
}

/// False, with the reason, if the target's rate is no better than that of the best setting so far.
bool beats(const SettingCheck& check, const Rate& best, CandidateResult& result) {
  const auto& [constraints, treatment, what] = check;
  Rate& reached = result.rates[constraints.target()];
  reached = constraints.ask_target(treatment, what, kFirstRows).rate;
  if (reached.high < best.low) {
    result.rejection_reason = trailing_reason(constraints);
    return false;
  }
  reached = constraints.ask_target(treatment, what, kAllRows).rate;
  if (reached.rate <= best.rate) {
    result.rejection_reason = "no better than the best setting";
    return false;
  }
  return true;
}

Tier check_limits(const SettingCheck& check, CandidateResult& result) {
  LimitCheck limits = check.constraints.check_limits(check.treatment, check.what);
  result.rates.merge(limits.rates);
  result.left_out = std::move(limits.left_out);
  result.rejection_reason = std::move(limits.rejection_reason);
  if (result.rejection_reason.empty()) {
    return Tier::kFeasible;
  }
  return limits.keeps_hold ? Tier::kKeepsHold : Tier::kMeasured;
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

TunedBaseline tune_baseline(const ConstraintChecker& constraints, const Baseline& baseline) {
  const std::string& target = constraints.target();
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
        {constraints, setting.treatment, "tuning " + baseline.method + ", " + setting.words},
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
