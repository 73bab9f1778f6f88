// Chooses among what label.cpp labelled; the choice itself is stage/contrast.
#include "search/training_contrast.h"

#include <algorithm>
#include <map>
#include <utility>

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

void count(const ContrastReport& report, const std::string& set, Results& results) {
  const std::string prefix = "contrast." + set;
  results.labels[prefix + ".label_1"] = report.n_label_1;
  results.labels[prefix + ".same_turns"] = report.n_same_turns;
  results.labels[prefix + ".same_topic"] = report.n_same_topic;
  results.labels[prefix + ".prefixes"] = report.n_prefix;
  results.labels[prefix + ".left_out"] = report.n_dropped_0 + report.n_dropped_1;
}

}  // namespace

TrainingIds choose_contrast(const Scenario& scenario,
                            uint64_t seed,
                            std::vector<TraceInput>& inputs,
                            Results& results) {
  const std::string& target = scenario.target().metric;
  const auto labelled = find_input(inputs, target);
  if (scenario.contrast == Contrast::kAll || !scenario.uses(MaskMethod::kSurrogate) ||
      labelled == inputs.end()) {
    return {};
  }
  ContrastSet set = match_contrast(labelled->rows, scenario.contrast, seed);
  count(set.report, target, results);
  if (set.report.n_label_1 < kMinContrast) {
    results.warnings.push_back(
        {"contrast_too_small",
         "only " + std::to_string(set.report.n_label_1) +
             " conversations with label 1 have a partner with label 0 of the same topic: the "
             "surrogate was trained on all labelled conversations as they are",
         "give every topic conversations of both outcomes, or contrast = \"prefixes\" in [train]"});
    return {};
  }
  TrainingIds ids;
  std::vector<Conversation> prefixes;
  std::set<std::string> known;
  for (const Conversation& row : labelled->rows) {
    known.insert(row.id);
  }
  for (Conversation& row : set.rows) {
    ids.insert(row.id);
    if (known.count(row.id) == 0) {
      prefixes.push_back(std::move(row));
    }
  }
  if (!prefixes.empty()) {
    inputs.push_back({target + kPrefixSet, std::move(prefixes)});
  }
  return ids;
}

void check_confounds(const Scenario& scenario,
                     const std::vector<TraceInput>& inputs,
                     const TraceSet& traces,
                     uint64_t seed,
                     Results& results) {
  const std::string& target = scenario.target().metric;
  const auto labelled = find_input(inputs, target);
  if (labelled == inputs.end()) {
    return;
  }
  std::map<std::string, const Conversation*> rows;
  for (const Conversation& row : labelled->rows) {
    rows.emplace(row.id, &row);
  }
  std::vector<int> labels;
  std::vector<std::string> topics;
  std::vector<double> lengths;
  std::vector<double> turns;
  for (const TraceView& trace : traces.traces) {
    const auto row = rows.find(trace.id);
    if (trace.set != target || trace.label < 0 || row == rows.end()) {
      continue;
    }
    labels.push_back(trace.label);
    topics.push_back(trace.topic.empty() ? '\n' + trace.id : trace.topic);
    lengths.push_back(static_cast<double>(trace.n_token));
    turns.push_back(static_cast<double>(count_user_turns(*row->second)));
  }
  results.confounds.n = static_cast<int64_t>(labels.size());
  results.confounds.topic_auc = topic_auc(topics, labels, seed, kTopicDraws);
  results.confounds.length_auc = confound_auc(lengths, labels);
  results.confounds.turn_auc = confound_auc(turns, labels);
  for (Warning& warning : confound_warnings(results.confounds)) {
    results.warnings.push_back(std::move(warning));
  }
}

}  // namespace mascing
