// Selects from the conversations labelled by label.cpp, using stage/contrast.
#include "search/training_contrast.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/numeric.h"
#include "base/topic_or_own.h"
#include "mascing/contrast.h"
#include "stage/confound.h"

namespace mascing {
namespace {

constexpr int64_t kTopicDraws = 20;

std::vector<TraceInput>::const_iterator find_input(const std::vector<TraceInput>& inputs,
                                                   const std::string& set) {
  return std::find_if(
      inputs.begin(), inputs.end(), [&](const TraceInput& input) { return input.set == set; });
}

std::map<std::string, int64_t> count_labels(const ContrastReport& report, const std::string& set) {
  const std::string prefix = "contrast." + set;
  return {{prefix + ".label_1", report.n_label_1},
          {prefix + ".same_turns", report.n_same_turns},
          {prefix + ".same_topic", report.n_same_topic},
          {prefix + ".prefixes", report.n_prefix},
          {prefix + ".left_out", report.n_dropped_0 + report.n_dropped_1}};
}

Warning too_small(int64_t n_pair) {
  return {"contrast_too_small",
          "only " + std::to_string(n_pair) +
              " conversations with label 1 have a label-0 partner with the same topic, so the "
              "surrogate was trained on all labelled conversations",
          "add conversations of both outcomes to every topic, or set contrast = \"prefixes\" in "
          "[train]"};
}

/// Those of `chosen` that are not among `rows`.
std::vector<Conversation> new_rows(const std::vector<Conversation>& chosen,
                                   const std::vector<Conversation>& rows) {
  std::set<std::string> known;
  for (const Conversation& row : rows) {
    known.insert(row.id);
  }
  std::vector<Conversation> added;
  std::copy_if(chosen.begin(), chosen.end(), std::back_inserter(added), [&](const auto& row) {
    return known.count(row.id) == 0;
  });
  return added;
}

/// What might tell the labels apart, by labelled conversation.
struct ConfoundValues {
  std::vector<int> labels;
  std::vector<std::string> topics;
  std::vector<double> lengths;
  std::vector<double> turns;
};

ConfoundValues confound_values(const TraceInput& labelled, const TraceSet& traces) {
  std::map<std::string, const Conversation*> rows;
  for (const Conversation& row : labelled.rows) {
    rows.emplace(row.id, &row);
  }
  ConfoundValues values;
  for (const TraceView& trace : traces.traces) {
    const auto row = rows.find(trace.id);
    if (trace.set != labelled.set || trace.label < 0 || row == rows.end()) {
      continue;
    }
    values.labels.push_back(trace.label);
    values.topics.push_back(topic_or_own(trace.topic, trace.id));
    values.lengths.push_back(to_double(trace.n_token));
    values.turns.push_back(to_double(count_user_turns(*row->second)));
  }
  return values;
}

}  // namespace

ContrastChoice choose_contrast(const Scenario& scenario,
                               uint64_t seed,
                               const std::vector<TraceInput>& labelled) {
  const std::string& target = scenario.target().metric;
  const auto of_target = find_input(labelled, target);
  if (scenario.contrast == Contrast::kAll || !scenario.uses(MaskMethod::kSurrogate) ||
      of_target == labelled.end()) {
    return {};
  }
  const ContrastSet set = match_contrast(of_target->rows, scenario.contrast, seed);
  ContrastChoice choice;
  choice.labels = count_labels(set.report, target);
  if (set.report.n_label_1 < kMinContrast) {
    choice.warnings.push_back(too_small(set.report.n_label_1));
    return choice;
  }
  for (const Conversation& row : set.rows) {
    choice.ids.insert(row.id);
  }
  std::vector<Conversation> prefixes = new_rows(set.rows, of_target->rows);
  if (!prefixes.empty()) {
    choice.prefixes.push_back({target + kPrefixSet, std::move(prefixes)});
  }
  return choice;
}

ConfoundResult check_confounds(const Scenario& scenario,
                               const std::vector<TraceInput>& labelled,
                               const TraceSet& traces,
                               uint64_t seed) {
  ConfoundResult confounds;
  const auto of_target = find_input(labelled, scenario.target().metric);
  if (of_target == labelled.end()) {
    return confounds;
  }
  const ConfoundValues values = confound_values(*of_target, traces);
  confounds.n = std::ssize(values.labels);
  confounds.topic_auc = topic_auc(values.topics, values.labels, seed, kTopicDraws);
  confounds.length_auc = confound_auc(values.lengths, values.labels);
  confounds.turn_auc = confound_auc(values.turns, values.labels);
  return confounds;
}

}  // namespace mascing
