// Each reason collects findings with a level; its sentence names them, the gravest first.
#include "stage/verdict_on.h"

#include <algorithm>
#include <cmath>
#include <tuple>

#include "base/metric_names.h"
#include "base/numeric.h"
#include "base/text.h"
#include "stage/power.h"

namespace mascing {
namespace {

constexpr double kLossRounding = 1e-9;  // rates this close are the same rate

enum class Level { kReady, kCare, kDoNot };

struct Finding {
  Level level = Level::kReady;
  std::string text;
  bool is_hold = false;
  double loss = 0.0;  ///< of a rate
};

const char* word_of(Level level) {
  return level == Level::kDoNot ? kDoNotUse : level == Level::kCare ? kUseWithCare : kReadyToUse;
}

Level worst_of(const std::vector<Finding>& findings) {
  Level worst = Level::kReady;
  for (const Finding& finding : findings) {
    worst = std::max(worst, finding.level);
  }
  return worst;
}

/// All findings of more than `kReady` as one sentence, or `otherwise`: the worst level first, then
/// hold sets, then the largest loss.
VerdictReason reason_from(const std::string& about,
                          std::vector<Finding> findings,
                          const std::string& otherwise) {
  const Level worst = worst_of(findings);
  std::erase_if(findings, [](const Finding& finding) { return finding.level == Level::kReady; });
  std::stable_sort(findings.begin(), findings.end(), [](const Finding& a, const Finding& b) {
    return std::tuple(a.level, a.is_hold, a.loss) > std::tuple(b.level, b.is_hold, b.loss);
  });
  std::string text;
  for (const Finding& finding : findings) {
    text += (text.empty() ? "" : "; ") + finding.text;
  }
  return {about, word_of(worst), text.empty() ? otherwise : text};
}

/// "DSR rose from 47.0 % to 100.0 %".
std::string change_in_words(const std::string& id, const MetricResult& metric) {
  const double change = metric.steered->rate - metric.base.rate;
  const std::string name = id == "coherent"          ? "coherent replies"
                           : id == "multiple_choice" ? "right answers to multiple choice"
                                                     : display_name(id);
  const std::string verb = change > 0.0 ? " rose from " : change < 0.0 ? " fell from " : " stays ";
  return name + verb + (change == 0.0 ? "" : format_percent(metric.base.rate) + " to ") +
         format_percent(metric.steered->rate);
}

bool is_protected_role(const std::string& role) {
  return role == "benign" || role == "hold" || role == "keep";
}

double loss_of(const MetricResult& metric) {
  return metric.base.rate - metric.steered->rate;
}

/// True for a drop that is more than `limit` and more than one conversation by chance.
bool is_beyond(const MetricResult& metric, double limit) {
  return loss_of(metric) > allowed_drop(metric.n, limit) + kLossRounding;
}

/// A set that was tested on conversations the mask was made with.
Finding seen_finding(const std::string& id, const MetricResult& metric) {
  if (metric.n_seen == 0) {
    return {};
  }
  return {Level::kCare,
          std::to_string(metric.n_seen) + " of the test conversations of " + display_name(id) +
              (metric.n_seen == 1 ? " was" : " were") + " used to make or choose the mask"};
}

/// A change that conversations show and their topics do not: these resemble each other.
Finding topics_finding(const MetricResult& target) {
  if (!target.topics || target.topics->p_value < kSignificance) {
    return {};
  }
  const int64_t n_topic = target.topics->n_topic;
  return {Level::kCare,
          n_topic == 1
              ? "all test conversations are of one topic, and the change may be, too"
              : "over its " + std::to_string(n_topic) + " topics the change could be chance (p = " +
                    format_number(target.topics->p_value, 2) + ")"};
}

VerdictReason effect_reason(const Results& results, const VerdictLimits& limits) {
  const auto found = results.metrics.find(results.target_metric);
  if (found == results.metrics.end() || !found->second.steered) {
    return {"effect", kDoNotUse, "no mask was found that improves the target within the limits"};
  }
  const MetricResult& target = found->second;
  const std::string change = change_in_words(found->first, target) + " (" +
                             counted(target.fixed, "conversation") + " fixed, " +
                             std::to_string(target.broken) + " broken)";
  const bool has_risen = loss_of(target) < 0.0;
  std::vector<Finding> findings;
  if (!has_risen) {
    findings.push_back({Level::kDoNot, change + ", where it should rise"});
  } else if (target.p_value >= kSignificance) {
    findings.push_back({Level::kDoNot, change + ", which is no more than chance"});
  } else {
    if (target.steered->rate < limits.least_rate) {
      findings.push_back(
          {Level::kCare,
           change + ", less than the " + format_percent(limits.least_rate) + " wanted"});
    }
    findings.push_back(topics_finding(target));
  }
  findings.push_back(seen_finding(found->first, target));
  return reason_from("effect", findings, change);
}

/// What a set of the scenario, or coherence or multiple choice, lost.
Finding loss_finding(const std::string& id,
                     const MetricResult& metric,
                     const VerdictLimits& limits) {
  const bool has_limit = is_protected_role(metric.role);
  const double care = has_limit ? metric.max_drop : limits.care_loss;
  const bool is_hold = metric.role == "hold";
  Finding finding{Level::kReady, change_in_words(id, metric), is_hold, loss_of(metric)};
  if (is_beyond(metric, std::max(care, limits.max_loss)) ||
      (is_hold && is_beyond(metric, metric.max_drop))) {
    finding.level = Level::kDoNot;
  } else if (is_beyond(metric, care)) {
    finding.level = Level::kCare;
  }
  return finding;
}

Finding rise_finding(const std::string& what, double rise, double care, double most) {
  const Level level = rise <= care ? Level::kReady : rise <= most ? Level::kCare : Level::kDoNot;
  return {level, what + " rose by " + format_percent(rise)};
}

void add_damage(const DamageResult& damage,
                const VerdictLimits& limits,
                std::vector<Finding>& findings) {
  const auto add_rise = [&](const std::string& what, int64_t n, double base, double steered) {
    if (n > 0 && base > 0.0) {
      findings.push_back(rise_finding(
          what, steered / base - 1.0, limits.care_perplexity_rise, limits.max_perplexity_rise));
    }
  };
  add_rise("the perplexity of general text",
           damage.n_text_token,
           damage.perplexity_base,
           damage.perplexity_steered);
  add_rise("the perplexity of general text as a reply",
           damage.n_chat_text_token,
           damage.chat_perplexity_base,
           damage.chat_perplexity_steered);
  if (damage.n_kl_token > 0) {
    const double kl = damage.kl_benign;
    findings.push_back({kl <= limits.care_divergence  ? Level::kReady  // NaN is neither
                        : kl <= limits.max_divergence ? Level::kCare
                                                      : Level::kDoNot,
                        "benign replies diverge by " + format_number(kl, 2) + " nats per token"});
  }
}

VerdictReason cost_reason(const Results& results, const VerdictLimits& limits) {
  std::vector<Finding> findings;
  for (const auto& [id, metric] : results.metrics) {
    const bool counts = is_protected_role(metric.role) || metric.role.empty();
    if (counts && metric.steered && metric.n > 0) {
      findings.push_back(loss_finding(id, metric, limits));
    }
  }
  add_damage(results.damage, limits, findings);
  return findings.empty()
             ? VerdictReason{"cost", kUseWithCare, "nothing but the target was measured"}
             : reason_from("cost", findings, "no loss beyond the limits in anything measured");
}

/// A protected set of which nobody, or too few, have a verdict: what happened to the rest is not
/// known.
Finding unjudged_finding(const std::string& id, const MetricResult& metric) {
  const int64_t n_all = metric.n + metric.n_left_out;
  const bool is_hold = metric.role == "hold";
  Finding finding;
  finding.is_hold = is_hold;
  if (metric.n_left_out == 0 || !are_few(metric.n, n_all)) {
    return finding;
  }
  finding.level = metric.n == 0 && is_hold ? Level::kDoNot : Level::kCare;
  finding.text = (metric.n == 0 ? "none" : "only " + std::to_string(metric.n)) + " of the " +
                 std::to_string(n_all) + " conversations of " + display_name(id) +
                 (metric.n < 2 ? " has a verdict" : " have a verdict");
  return finding;
}

/// A set whose conversations are those of the target protects nothing else.
Finding shared_finding(const std::string& id, const MetricResult& metric) {
  if (metric.n_shared == 0) {
    return {};
  }
  return {Level::kCare,
          std::to_string(metric.n_shared) + " of the test conversations of " + display_name(id) +
              (metric.n_shared == 1 ? " is" : " are") + " in the target set, too"};
}

/// Watched sets that fell; sets that were judged in part or are too small to show a drop; kinds of
/// sets that are missing.
VerdictReason protection_reason(const Results& results, const VerdictLimits& limits) {
  std::vector<Finding> findings;
  std::string tested;
  bool has_answered = false;
  for (const auto& [id, metric] : results.metrics) {
    if (metric.role == "watch" && metric.steered && is_beyond(metric, limits.care_loss)) {
      findings.push_back({Level::kCare, change_in_words(id, metric) + " and has no limit"});
    }
    if (!is_protected_role(metric.role)) {
      continue;
    }
    findings.push_back(unjudged_finding(id, metric));
    findings.push_back(seen_finding(id, metric));
    findings.push_back(shared_finding(id, metric));
    if (metric.n == 0) {
      continue;
    }
    has_answered = has_answered || metric.wanted == "answered";
    tested += (tested.empty() ? "" : ", ") + display_name(id);
    const double unseen = unseen_drop(metric.n);
    if (unseen > limits.max_unseen_drop) {
      findings.push_back({Level::kCare,
                          display_name(id) + " has only " + std::to_string(metric.n) +
                              " test conversations, which could miss a drop of " +
                              format_points(unseen)});
    }
  }
  if (!has_answered) {
    findings.push_back({Level::kCare, "no set of requests that must stay answered was tested"});
  }
  return reason_from("protection",
                     findings,
                     "tested beside the target: " + tested + "; other subjects were not tested");
}

}  // namespace

std::string verdict_in_words(const std::string& word) {
  std::string words = word;
  std::replace(words.begin(), words.end(), '_', ' ');
  return words;
}

MaskVerdict verdict_on(const Results& results, const VerdictLimits& limits) {
  MaskVerdict verdict;
  verdict.limits = limits;
  if (results.metrics.empty()) {
    return verdict;
  }
  verdict.reasons.push_back(effect_reason(results, limits));
  const auto target = results.metrics.find(results.target_metric);
  if (target != results.metrics.end() && target->second.steered) {
    verdict.reasons.push_back(cost_reason(results, limits));
    verdict.reasons.push_back(protection_reason(results, limits));
  }
  const auto has = [&](const char* word) {
    return std::any_of(verdict.reasons.begin(),
                       verdict.reasons.end(),
                       [&](const VerdictReason& reason) { return reason.word == word; });
  };
  verdict.word = has(kDoNotUse) ? kDoNotUse : has(kUseWithCare) ? kUseWithCare : kReadyToUse;
  return verdict;
}

}  // namespace mascing
