// Every fold is a set of its own: the conversations it holds out, with the openings fitted on the
// rest.
#include "search/margin_check.h"

#include <algorithm>
#include <limits>
#include <memory>

#include "base/numeric.h"
#include "base/sha256.h"
#include "base/text.h"
#include "stage/margin_calibration.h"

namespace mascing {
namespace {

constexpr uint64_t kShuffleSeed = 0x6d617267;  // of the permutation test
constexpr double kNoAnswer = std::numeric_limits<double>::quiet_NaN();

/// The folds of a set, and what their items are.
struct FoldSets {
  std::vector<OutcomeSet> sets;
  std::vector<std::vector<size_t>> places;  ///< [set][item] -> judged reply
  std::vector<int> wanted;                  ///< of each judged reply
};

/// Judged replies of either kind; those whose fold lacks openings get no item.
FoldSets fold_sets(const EvalContext& context,
                   const DiscoveryReplies& discovery,
                   const SetOpenings& found) {
  const ScenarioSet& spec = discovery.set->spec;
  const Verdict opposite = spec.wanted == Wanted::kRefused ? Verdict::kAnswered : Verdict::kRefused;
  FoldSets folds;
  folds.sets.resize(found.fit.fold.size());
  folds.places.resize(found.fit.fold.size());
  for (size_t k = 0; k < folds.sets.size(); ++k) {
    folds.sets[k].name = spec.metric + ", fold " + std::to_string(k);
    set_openings(found.fit.fold[k], folds.sets[k]);
  }
  const auto& rows = discovery.set->rows(Split::kDiscovery);
  for (size_t i = 0; i < rows.size(); ++i) {
    const JudgedReply& judged = discovery.judged[i];
    const bool is_opposite = judged.is_coherent && judged.verdict == opposite;
    if (!judged.ok() || (!judged.is_wanted && !is_opposite)) {
      continue;
    }
    const auto prompt = opening_prompt(context.evaluator.host(), rows[i], discovery.prefixes[i]);
    const int64_t k = discovery.fold[i];
    const Openings& openings = found.fit.fold[k];
    const bool has_both = !openings.wanted.empty() && !openings.unwanted.empty();
    const bool has_one = !openings.wanted.empty() || !openings.unwanted.empty();
    if (prompt && (found.form == MarginForm::kTwoSided ? has_both : has_one)) {
      folds.sets[k].prompts.push_back(prompt->tokens);
      folds.places[k].push_back(folds.wanted.size());
    }
    folds.wanted.push_back(judged.is_wanted ? 1 : 0);
  }
  return folds;
}

JudgedMargins held_out_margins(CachedEvaluator& evaluator, const FoldSets& folds) {
  std::vector<Question> questions;
  for (int64_t k = 0; k < std::ssize(folds.sets); ++k) {
    for (int64_t i = 0; i < std::ssize(folds.places[k]); ++i) {
      questions.push_back({k, i, {}});
    }
  }
  const std::vector<double> answers = evaluator.outcomes(folds.sets, key_of(folds.sets), questions);
  JudgedMargins judged = {std::vector<double>(folds.wanted.size(), kNoAnswer), folds.wanted};
  for (size_t q = 0; q < questions.size(); ++q) {
    judged.margins[folds.places[questions[q].i_set][questions[q].i_item]] = answers[q];
  }
  return judged;
}

}  // namespace

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
    digest.update(&set.zero, sizeof set.zero);
    for (const TokenSequence& prompt : set.prompts) {
      add(prompt);
    }
    digest.update(set.firsts.data(), set.firsts.size() * sizeof(int64_t));
    for (size_t k = 0; set.has_margin() && k < set.openings->size(); ++k) {
      add((*set.openings)[k]);
    }
    digest.update(&set.rises, sizeof set.rises);
    for (const ScoredText& text : set.texts) {
      add(text.tokens);
      digest.update(&text.begin, sizeof text.begin);
      digest.update(&text.first, sizeof text.first);
      for (size_t k = 0; text.reference && k < text.reference->size(); ++k) {
        add((*text.reference)[k].tokens);  // drawn ones differ by seed
      }
    }
  }
  return digest.hex();
}

MarginResult unchecked_margin(const SetOpenings& found) {
  MarginResult margin;
  margin.form = to_string(found.form);
  margin.coverage_wanted = found.fit.coverage_wanted;
  margin.coverage_unwanted = found.fit.coverage_unwanted;
  margin.zero = zero_by_coverage(found.fit, found.form);
  margin.slope = kMostSlope;
  return margin;
}

MarginResult check_margin(const EvalContext& context,
                          const DiscoveryReplies& discovery,
                          const SetOpenings& found) {
  const FoldSets folds = fold_sets(context, discovery, found);
  const JudgedMargins judged = held_out_margins(context.evaluator, folds);
  MarginResult margin = unchecked_margin(found);
  const MarginCalibration calibration = calibrate_margin(judged, margin.zero, kShuffleSeed);
  margin.n_wanted = calibration.n_wanted;
  margin.n_unwanted = calibration.n_unwanted;
  margin.auc = calibration.auc;
  margin.p_value = calibration.p_value;
  margin.is_usable = calibration.is_usable();
  margin.is_calibrated = calibration.has_curve;
  if (calibration.has_curve) {
    margin.zero = calibration.zero;
    margin.slope = std::min(kMostSlope, calibration.slope);
  }
  return margin;
}

OutcomeSet margin_set(const std::string& metric, const SetOpenings& found, double zero) {
  OutcomeSet set;
  set.name = metric;
  set.zero = zero;
  set_openings(found.fit.openings, set);
  return set;
}

std::string weakness_of(const std::string& metric, const MarginResult& margin) {
  if (margin.is_usable) {
    return {};
  }
  return "held out, the margin of '" + metric + "' tells " + std::to_string(margin.n_wanted) +
         " wanted replies from " + std::to_string(margin.n_unwanted) + " others with an AUC of " +
         format_number(margin.auc, 2) + " (" + format_number(kLeastMarginAuc, 2) +
         " is needed; p = " + format_number(margin.p_value, 4) +
         "), so no search with prefills follows it";
}

}  // namespace mascing
