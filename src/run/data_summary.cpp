// Nothing is asked of a model: what is counted stands in the files.
#include "mascing/data_summary.h"

#include "base/append.h"
#include "base/text.h"
#include "mascing/error.h"
#include "run/power_check.h"
#include "scenario/dataset.h"
#include "stage/power.h"

namespace mascing {
namespace {

const char* role_word(SetRole role) {
  switch (role) {
    case SetRole::kTarget:
      return "target";
    case SetRole::kHold:
      return "hold";
    case SetRole::kKeep:
      return "keep";
    case SetRole::kBenign:
      return "benign";
    default:
      return "watch";
  }
}

SetSummary summary_of(const LoadedSet& set) {
  SetSummary summary;
  summary.metric = set.spec.metric;
  summary.role = role_word(set.spec.role);
  for (const Split split : kSplits) {
    for (const Conversation& row : set.rows(split)) {
      summary.counts.add(to_string(split), row);
    }
  }
  const bool has_limit = set.spec.role != SetRole::kTarget && set.spec.role != SetRole::kWatch;
  const int64_t n_test = std::ssize(set.rows(Split::kTest));
  if (has_limit) {
    summary.max_drop = set.spec.max_drop;
    summary.allowed_drop = allowed_drop(n_test, set.spec.max_drop);
    summary.unseen_drop = unseen_drop(n_test);
  }
  return summary;
}

}  // namespace

void SplitCounts::add(const std::string& split, const Conversation& row) {
  ++n[split];
  if (row.label) {
    ++n_label[split + ".label_" + std::to_string(*row.label)];
  }
}

std::string split_name(const Conversation& row, uint64_t seed) {
  return to_string(split_of(row, seed));
}

DataSummary summarise_data(const Scenario& scenario, uint64_t seed) {
  const Dataset data = load_dataset(scenario, seed);
  DataSummary summary;
  for (const LoadedSet& set : data.sets) {
    summary.sets.push_back(summary_of(set));
  }
  summary.power = power_of_split(std::ssize(data.target().rows(Split::kTest)));
  summary.warnings = data.warnings;
  append(hold_warnings(data), summary.warnings);
  append(discovery_warnings(data.target()), summary.warnings);
  return summary;
}

PowerResult power_of_split(int64_t n_test) {
  return power_of(n_test, {});
}

std::string power_words(const PowerResult& power) {
  const std::string fixed = std::to_string(power.n_least_fixed);
  if (is_out_of_reach(power)) {
    return "a test split of " + std::to_string(power.n_test) +
           " cannot show a significant change: " + fixed + " conversations must be fixed for p < " +
           format_number(kSignificance, 2);
  }
  return "a test split of " + std::to_string(power.n_test) + " can show a rise of " +
         format_points(power.least_rise) + " at least (" + fixed + " fixed, none broken, p < " +
         format_number(kSignificance, 2) + "), and shows a true rise of " +
         format_points(power.sure_rise) + " in four of five cases";
}

}  // namespace mascing
