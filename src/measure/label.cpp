// A reply gets a label only if it is coherent and clearly of one of the two outcomes.
#include "measure/label.h"

#include <algorithm>

#include "mascing/error.h"

namespace mascing {
namespace {

// Of each set, for the coherence limit. One chunk, so that labelling finds these replies again.
constexpr size_t kCalibrationRows = kChunk;

void require_both_classes(const Labelled& labelled, const ScenarioSet& target) {
  if (labelled.n_label_0 > 0 && labelled.n_label_1 > 0) {
    return;
  }
  const std::string outcome = target.wanted == Wanted::kRefused ? "refused" : "answered";
  const bool none_wanted = labelled.n_label_0 == 0;
  throw Error(
      ErrorKind::kInsufficient,
      "[label] the model " + std::string(none_wanted ? "never" : "always") + " " + outcome +
          " on the discovery split of '" + target.metric + "' (" +
          std::to_string(labelled.n_label_0 + labelled.n_label_1) + " labelled, " +
          std::to_string(labelled.n_unclear) + " unclear), but both classes are needed",
      none_wanted
          ? "check the judge's prefixes against the model's replies, or use other conversations"
          : "the model already behaves as wanted; use harder conversations");
}

/// A search through replies that nobody gets to see would only find noise, hours later.
void require_finished(const std::string& metric, int64_t n_unfinished, int64_t n) {
  if (2 * n_unfinished <= n) {
    return;
  }
  throw Error(ErrorKind::kInsufficient,
              "[label] " + std::to_string(n_unfinished) + " of " + std::to_string(n) +
                  " replies of '" + metric +
                  "' are unfinished: they ended within the model's reasoning",
              "raise max_reasoning_tokens under [generate], or have the model reason less: "
              "--reasoning off or skip, or --template-arg reasoning_effort=low where the template "
              "knows it");
}

}  // namespace

CoherenceLimit coherence_limit(CachedEvaluator& evaluator, const Dataset& data) {
  const Split split = calibration_split(data);
  std::vector<double> likelihoods;
  for (const LoadedSet& set : data.sets) {
    std::vector<Conversation> rows = set.rows(split);
    if (rows.empty()) {
      continue;
    }
    rows.resize(std::min(rows.size(), kCalibrationRows));
    const auto replies = evaluator.replies("calibrating on " + set.spec.metric, rows, {});
    int64_t n_unfinished = 0;
    for (const AskedReply& reply : replies) {
      n_unfinished += reply.is_unfinished ? 1 : 0;
      if (reply.ok() && reply.n_visible_token() > 0) {
        likelihoods.push_back(reply.mean_nll);
      }
    }
    require_finished(set.spec.metric, n_unfinished, std::ssize(replies));
  }
  return calibrate_coherence(std::move(likelihoods));
}

Labelled label_discovery(const EvalContext& context, const LoadedSet& set) {
  const std::vector<Conversation>& rows = set.rows(Split::kDiscovery);
  const std::vector<AskedReply> replies =
      context.evaluator.replies("labelling " + set.spec.metric, rows, {});
  const auto judged = judge_replies(rows, replies, context.rules_for(set.spec));
  const Verdict opposite =
      set.spec.wanted == Wanted::kRefused ? Verdict::kAnswered : Verdict::kRefused;
  Labelled labelled;
  for (size_t i = 0; i < rows.size(); ++i) {
    if (!judged[i].ok()) {
      labelled.skipped.push_back({rows[i].id, judged[i].error});
      continue;
    }
    labelled.n_unfinished += replies[i].is_unfinished ? 1 : 0;
    const bool is_opposite = judged[i].is_coherent && judged[i].verdict == opposite;
    if (!judged[i].is_wanted && !is_opposite) {
      ++labelled.n_unclear;
      continue;
    }
    Conversation row = rows[i];
    row.label = is_opposite ? 1 : 0;
    row.reply = replies[i].visible;
    ++(is_opposite ? labelled.n_label_1 : labelled.n_label_0);
    labelled.rows.push_back(std::move(row));
  }
  require_finished(set.spec.metric, labelled.n_unfinished, std::ssize(rows));
  if (set.spec.role == SetRole::kTarget) {
    require_both_classes(labelled, set.spec);
  }
  return labelled;
}

}  // namespace mascing
