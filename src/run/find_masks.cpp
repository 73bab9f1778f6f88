// Each step leaves its result on disk or in the cache before the next begins.
#include "run/find_masks.h"

#include <algorithm>
#include <utility>

#include "base/append.h"
#include "base/files.h"
#include "base/numeric.h"
#include "base/spread.h"
#include "mascing/conversation_file.h"
#include "measure/label.h"
#include "measure/traces.h"
#include "run/power_check.h"
#include "run/run_record.h"
#include "run/seen_rows.h"
#include "search/interventional_mask.h"
#include "search/loop_masks.h"
#include "search/objectives.h"
#include "search/search_space.h"
#include "search/training_contrast.h"
#include "stage/budget_spent.h"
#include "stage/confound.h"

namespace mascing {
namespace {

constexpr int64_t kPaperRuns = 32;  // masks whose replies the paper's sweep generates

/// Conversations to be traced, and how they divide.
struct LabelledSets {
  std::vector<TraceInput> inputs;
  BaseReplies base;  ///< of the target set
  std::map<std::string, int64_t> labels;
  std::vector<Skipped> skipped;
};

void write_rows(const std::string& path, const std::vector<Conversation>& rows) {
  std::string text;
  for (const Conversation& row : rows) {
    text += to_jsonl(row) + '\n';
  }
  write_file_atomically(path, text);
}

/// Adds a set by what the unsteered model answers.
void add_labelled(const EvalContext& context,
                  const LoadedSet& set,
                  const std::string& folder,
                  LabelledSets& sets) {
  const std::string& metric = set.spec.metric;
  Labelled labelled = label_discovery(context, set);
  sets.labels["discovery." + metric + ".label_0"] = labelled.n_label_0;
  sets.labels["discovery." + metric + ".label_1"] = labelled.n_label_1;
  sets.labels["discovery." + metric + ".unclear"] = labelled.n_unclear;
  if (labelled.n_unfinished > 0) {
    sets.labels["discovery." + metric + ".unfinished"] = labelled.n_unfinished;
  }
  append(labelled.skipped, sets.skipped);
  const bool is_target = set.spec.role == SetRole::kTarget;
  if (is_target) {
    const int64_t n_clear = labelled.n_label_0 + labelled.n_label_1;
    sets.base = {labelled.n_label_0, n_clear + labelled.n_unclear};
  }
  const std::string name = is_target ? "labelled" : "labelled-" + metric;
  write_rows(folder + "/" + name + ".jsonl", labelled.rows);
  sets.inputs.push_back({metric, std::move(labelled.rows)});
}

/// Target, hold and keep sets with labels, benign sets as they are.
LabelledSets label_sets(const EvalContext& context, const std::string& folder) {
  LabelledSets sets;
  for (const LoadedSet& set : context.data.sets) {
    const std::string& metric = set.spec.metric;
    for (const Split split : kSplits) {
      sets.labels[std::string(to_string(split)) + "." + metric] = std::ssize(set.rows(split));
    }
    if (set.spec.role == SetRole::kBenign) {
      const std::vector<Conversation>& rows = set.rows(Split::kDiscovery);
      sets.inputs.push_back({metric, taken_at(rows, spread_indices(rows.size(), kPreserveRows))});
    } else if (set.spec.role != SetRole::kWatch) {
      add_labelled(context, set, folder, sets);
    }
  }
  return sets;
}

AskedMasks ask_for_masks(const EvalContext& context,
                         const TraceSet& traces,
                         const BuildOptions& options,
                         StageMeter& meter) {
  const Scenario& scenario = context.scenario;
  const bool uses_loop = scenario.uses_loop();
  const bool uses_interventions = scenario.uses(MaskMethod::kInterventionalSurrogate);
  AskedMasks asked;
  if (!uses_loop && !uses_interventions) {
    return asked;
  }
  const Objectives objectives = build_objectives(context, Split::kDiscovery);
  asked.warnings = objectives.warnings;
  asked.margins = objectives.margins;
  if (!objectives.sees_target()) {
    meter.lap("closed_loop");
    return asked;
  }
  const SearchSpace space = make_search_space(traces, scenario, options.seed);
  if (uses_loop) {
    LoopMasks made = make_loop_masks(context, objectives, space, options.seed);
    asked.effects = std::move(made.effects);
    asked.loop = std::move(made.loop);
    asked.adapter_loop = std::move(made.adapter_loop);
    asked.candidates = std::move(made.candidates);
    append(made.warnings, asked.warnings);
    append(made.cut_short, asked.cut_short);
    meter.lap("closed_loop");
  }
  if (uses_interventions) {
    InterventionalMask made = make_interventional_mask(context, objectives, traces, space, options);
    asked.interventional = std::move(made.result);
    if (made.candidate.mask->n_active() > 0) {  // a spent budget may leave none
      asked.candidates.push_back(std::move(made.candidate));
    }
    append(made.cut_short, asked.cut_short);
    meter.lap("interventional_surrogate");
  }
  return asked;
}

/// What a spent budget left out, in words.
std::vector<std::string> cut_short(const FoundMasks& found) {
  std::vector<std::string> words = found.asked.cut_short;
  append(found.selection.cut_short, words);
  return words;
}

/// `n_label_token`: written when the discovery split was labelled.
SearchResult summarise(const EvalContext& context,
                       const FoundMasks& found,
                       const RunOptions& options,
                       int64_t n_label_token) {
  const CachedEvaluator& evaluator = context.evaluator;
  SearchResult search;
  search.n_prefill_token = evaluator.asked().n_prefill;
  search.n_generated_token = evaluator.asked().n_generated - n_label_token;
  search.n_paper_token = (kPaperRuns + 1) * found.selection.n_base_token;
  search.budget = options.budget_text;
  search.base = found.selection.base_rates;
  search.base_perplexity = found.selection.base_perplexity;
  search.budget_spent = options.budget.n_token > 0 ? evaluator.budget_spent() : 0.0;
  search.cut_short = cut_short(found);
  return search;
}

std::vector<Warning> budget_warnings(const SearchResult& search) {
  if (search.cut_short.empty()) {
    return {};
  }
  std::string words;
  for (const std::string& word : search.cut_short) {
    words += (words.empty() ? "" : "; ") + word;
  }
  return {{"budget_spent",
           "the budget of " + search.budget + " ended the search early: " + words,
           "raise --budget; a longer search may find a better mask"}};
}

}  // namespace

Mask FoundMasks::mask(size_t i_trial) const {
  const CandidateResult& trial = selection.trials.at(i_trial);
  Mask mask = *candidates[selection.i_candidate.at(i_trial)].mask;
  mask.alpha = to_float(trial.alpha);
  mask.conversations = conversations;
  add_selection(trial, mask);
  return mask;
}

FoundMasks find_masks(const EvalContext& context, const RunOptions& options, StageMeter& meter) {
  const Scenario& scenario = context.scenario;
  const Progress& progress = context.evaluator.progress();
  const BuildOptions build{options.seed, options.n_thread, options.output + "/candidates"};

  LabelledSets labelled = label_sets(context, options.output);
  meter.lap("label");
  FoundMasks found;
  found.conversations = searched_conversations(context.data);
  found.power = require_power(context.data, labelled.base);
  const int64_t n_label_token = context.evaluator.asked().n_generated;
  const ContrastChoice contrast = choose_contrast(scenario, options.seed, labelled.inputs);
  append(contrast.prefixes, labelled.inputs);

  Host& host = context.evaluator.host();
  const TraceStoreOptions store{
      options.output + "/traces", {}, {}, context_key(host.describe(), options)};
  const Traced traced = collect_traces(host, labelled.inputs, store, progress);
  meter.lap("trace");
  const TraceSet& traces = traced.traces;
  found.confounds = check_confounds(scenario, labelled.inputs, traces, options.seed);

  const CandidateSet built = build_candidates(traces, scenario, contrast.ids, build, progress);
  meter.lap("train_and_steer");
  found.surrogates = built.surrogates;
  try {
    found.asked = ask_for_masks(context, traces, build, meter);
  } catch (const BudgetSpent&) {
    if (built.candidates.empty()) {
      throw;
    }
    found.asked.cut_short = {"no method that asks the model could make a mask"};
  }
  append(found.asked.candidates, found.candidates);
  append(built.candidates, found.candidates);

  found.selection = select_mask(context, found.candidates, options.watch_trials);
  meter.lap("select");
  found.search = summarise(context, found, options, n_label_token);

  found.labels = std::move(labelled.labels);
  found.labels.insert(contrast.labels.begin(), contrast.labels.end());
  append(labelled.skipped, found.skipped);
  append(traced.skipped, found.skipped);
  append(power_warnings(scenario.target().metric, found.power), found.warnings);
  append(hold_warnings(context.data), found.warnings);
  append(contrast.warnings, found.warnings);
  append(confound_warnings(found.confounds), found.warnings);
  append(built.warnings, found.warnings);
  if (found.asked.margins.empty() && found.asked.warnings.empty()) {  // no method asked before
    found.asked.margins = found.selection.margins;
    append(found.selection.margin_warnings, found.asked.warnings);
  }
  append(found.asked.warnings, found.warnings);
  append(found.selection.warnings, found.warnings);
  append(budget_warnings(found.search), found.warnings);
  return found;
}

}  // namespace mascing
