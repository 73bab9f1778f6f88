// The scenario's grid, and the sums of target and guard masks.
#include "search/mask_search.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "base/text.h"
#include "search/mask_maker.h"

namespace mascing {
namespace {

/// The traces that make a mask for `set`: its own with their labels, those of hold, keep and benign
/// sets without. The target set takes no part in another set's mask.
TraceSet focus(const TraceSet& traces, const std::string& set, const std::string& target) {
  TraceSet focused = traces;
  focused.traces.clear();
  for (TraceView trace : traces.traces) {
    if (trace.set != set && (trace.set == target || trace.set == target + kPrefixSet)) {
      continue;
    }
    trace.label = trace.set == set ? trace.label : -1;
    focused.traces.push_back(trace);
  }
  return focused;
}

/// The traces that train the target's surrogate: of its own those that were chosen, with prefixes,
/// and those of other sets without labels.
TraceSet training_traces(const TraceSet& traces,
                         const std::string& target,
                         const TrainingIds& training) {
  TraceSet chosen = traces;
  chosen.traces.clear();
  for (TraceView trace : traces.traces) {
    const bool is_targets = trace.set == target || trace.set == target + kPrefixSet;
    if (is_targets && training.count(trace.id) == 0) {
      continue;
    }
    trace.label = is_targets ? trace.label : -1;
    chosen.traces.push_back(trace);
  }
  return chosen;
}

/// Hold and keep sets with enough conversations of both labels.
std::vector<std::string> guarded_sets(const TraceSet& traces, const Scenario& scenario) {
  std::vector<std::string> names;
  for (const ScenarioSet& set : scenario.sets) {
    if (set.role != SetRole::kHold && set.role != SetRole::kKeep) {
      continue;
    }
    const auto count = [&](int label) {
      return std::count_if(traces.traces.begin(), traces.traces.end(), [&](const TraceView& trace) {
        return trace.set == set.metric && trace.label == label;
      });
    };
    if (std::min(count(0), count(1)) >= kMinGuardClass) {
      names.push_back(set.metric);
    }
  }
  return names;
}

std::shared_ptr<const Mask> add_guards(const std::shared_ptr<const Mask>& mask,
                                       const std::vector<std::shared_ptr<const Mask>>& guards,
                                       double weight) {
  if (weight == 0.0) {
    return mask;
  }
  Mask sum = *mask;
  sum.method += "+guard";
  for (const auto& guard : guards) {
    for (size_t i = 0; i < sum.steer.size(); ++i) {
      sum.steer[i] += static_cast<float>(weight) * guard->steer[i];
    }
  }
  for (float& value : sum.steer) {
    value = std::fabs(value) <= sum.threshold ? 0.0F : value;
  }
  return std::make_shared<const Mask>(std::move(sum));
}

/// Every combination of lambda, epochs and preservation weight.
std::vector<SteerOptions> steer_settings(const Scenario& scenario, uint64_t seed) {
  std::vector<SteerOptions> settings;
  SteerOptions options = scenario.steer;
  options.seed = seed;
  for (const double lambda : scenario.search.lambdas) {
    for (const int64_t epochs : scenario.search.epochs) {
      for (const double preserve : scenario.search.preserves) {
        options.lambda = lambda;
        options.n_epoch = epochs;
        options.preserve = preserve;
        settings.push_back(options);
      }
    }
  }
  return settings;
}

/// Every setting for every surrogate. All see the same batches, so that one pass over the traces
/// serves them all.
std::vector<SteerCell> steer_grid(const Scenario& scenario, int64_t n_surrogate, uint64_t seed) {
  const std::vector<SteerOptions> settings = steer_settings(scenario, seed);
  std::vector<SteerCell> grid;
  grid.reserve(settings.size() * static_cast<size_t>(n_surrogate));
  for (int64_t i_surrogate = 0; i_surrogate < n_surrogate; ++i_surrogate) {
    for (const SteerOptions& options : settings) {
      grid.push_back({i_surrogate, options});
    }
  }
  return grid;
}

class Search {
 public:
  Search(const TraceSet& traces,
         const Scenario& scenario,
         const TrainingIds& training,
         const BuildOptions& options,
         const Progress& progress)
      : scenario_(scenario),
        progress_(progress),
        options_(options),
        target_(maker_of(traces, scenario.target().metric)) {
    if (!training.empty()) {
      contrast_.emplace(training_traces(traces, scenario.target().metric, training),
                        scenario_,
                        options.n_thread,
                        options.folder);
    }
    if (uses_guards()) {
      for (const std::string& set : guarded_sets(traces, scenario)) {
        guards_.push_back(maker_of(traces, set));
      }
    }
  }

  CandidateSet run() {
    // The baseline first: it is nearly free, and a good one spares the selection many trials.
    const bool has_norm = scenario_.search.mean_difference_norm > 0.0;
    if (scenario_.uses(MaskMethod::kMeanDifference) && has_norm) {
      Masks guards;
      for (const MaskMaker& guard : guards_) {
        guards.push_back(guard.mean_difference_mask());
      }
      add_sums(target_.mean_difference_mask(), guards, {});
    }
    if (scenario_.uses(MaskMethod::kSurrogate)) {
      add_surrogate_masks();
    }
    return std::move(built_);
  }

 private:
  [[nodiscard]] MaskMaker maker_of(const TraceSet& traces, const std::string& set) const {
    return {focus(traces, set, scenario_.target().metric),
            scenario_,
            options_.n_thread,
            options_.folder};
  }

  using Masks = std::vector<std::shared_ptr<const Mask>>;

  void add_surrogate_masks() {
    const MaskMaker& maker = contrast_ ? *contrast_ : target_;
    std::vector<Trained> trained = train_all(maker);
    for (Trained& one : trained) {
      CrossValidated validated = maker.cross_validate(one, progress_);
      one.report.cross_validation = validated.result;
      built_.surrogates.push_back(one.report);
      warn_about(one.report, validated.warnings);
    }
    const std::vector<SteerCell> grid =
        steer_grid(scenario_, static_cast<int64_t>(trained.size()), options_.seed);
    const Masks masks = maker.steer(trained, grid, progress_);
    std::vector<Masks> guards;  // one list per guarded set, in the order of the grid
    for (const MaskMaker& guard : guards_) {
      guards.push_back(guard.steer(train_all(guard), grid, progress_));
    }
    for (size_t i_cell = 0; i_cell < grid.size(); ++i_cell) {
      Masks of_cell;
      for (const Masks& guard : guards) {
        of_cell.push_back(guard[i_cell]);
      }
      const SteerOptions& options = grid[i_cell].options;
      add_sums(masks[i_cell], of_cell, {nullptr, options.n_epoch, options.preserve, 0.0});
    }
  }

  [[nodiscard]] std::vector<Trained> train_all(const MaskMaker& maker) const {
    std::vector<Trained> trained;
    for (const int64_t offset : scenario_.search.seeds) {
      trained.push_back(maker.train(options_.seed + static_cast<uint64_t>(offset), progress_));
    }
    return trained;
  }

  [[nodiscard]] bool uses_guards() const {
    const auto& weights = scenario_.search.guards;
    return std::any_of(weights.begin(), weights.end(), [](double weight) { return weight > 0.0; });
  }

  /// One candidate for every guard weight.
  void add_sums(const std::shared_ptr<const Mask>& mask, const Masks& guards, Candidate candidate) {
    for (const double weight : scenario_.search.guards) {
      if (weight > 0.0 && guards.empty()) {
        continue;
      }
      candidate.mask = add_guards(mask, guards, weight);
      candidate.guard = weight;
      built_.candidates.push_back(candidate);
    }
  }

  /// What cross-validation warns of, each warning once, with the surrogate it was first said of.
  void warn_about(const SurrogateResult& r, const std::vector<Warning>& warnings) {
    const std::string name = "surrogate seed " + std::to_string(r.seed) + ": ";
    for (const Warning& warning : warnings) {
      add_warning({warning.id, name + warning.text, warning.advice});
    }
    const bool is_no_better = r.validation_auc <= std::max(r.length_auc, 1.0 - r.length_auc) + 0.02;
    if (r.cross_validation.n_fold == 0 && is_no_better) {
      add_warning({"surrogate_no_better_than_length",
                   name + "it tells the labels apart with AUC " +
                       format_number(r.validation_auc, 2) +
                       ", the length of the message alone with " + format_number(r.length_auc, 2),
                   "match the two classes in length, or collect more conversations"});
    }
  }

  void add_warning(const Warning& warning) {
    const bool was_said = std::any_of(built_.warnings.begin(),
                                      built_.warnings.end(),
                                      [&](const Warning& said) { return said.id == warning.id; });
    if (!was_said) {
      built_.warnings.push_back(warning);
    }
  }

  const Scenario& scenario_;
  const Progress& progress_;
  const BuildOptions& options_;
  MaskMaker target_;
  std::optional<MaskMaker> contrast_;  // of the conversations that train the surrogate
  std::vector<MaskMaker> guards_;
  CandidateSet built_;
};

}  // namespace

CandidateSet build_candidates(const TraceSet& traces,
                              const Scenario& scenario,
                              const TrainingIds& training,
                              const BuildOptions& options,
                              const Progress& progress) {
  return Search(traces, scenario, training, options, progress).run();
}

}  // namespace mascing
