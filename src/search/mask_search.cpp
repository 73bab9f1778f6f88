// The scenario's grid, and the sums of target and guard masks.
#include "search/mask_search.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "base/numeric.h"
#include "base/text.h"
#include "search/mask_maker.h"

namespace mascing {
namespace {

/// Traces for a mask of `set`: its own with labels, those of hold, keep and benign sets without.
/// The target set is not used for another set's mask.
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

/// Traces for the target's surrogate: the chosen ones of the target set, including prefixes, and
/// those of other sets without labels.
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

/// A guard measures its push in units of its own traces' sigma.
std::shared_ptr<const Mask> add_guards(const std::shared_ptr<const Mask>& mask,
                                       const std::vector<std::shared_ptr<const Mask>>& guards,
                                       double weight) {
  if (weight == 0.0) {
    return mask;
  }
  Mask sum = *mask;
  sum.method += "+guard";
  const bool is_calibrated = sum.sigma_rule == SigmaRule::kCalibrated;
  for (const auto& guard : guards) {
    for (int64_t i = 0; i < std::ssize(sum.steer); ++i) {
      const int64_t l = i / sum.n_expert;
      const float unit =
          is_calibrated && sum.sigma[l] > 0.0F ? guard->sigma[l] / sum.sigma[l] : 1.0F;
      sum.steer[i] += to_float(weight) * unit * guard->steer[i];
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

/// All settings for all surrogates. They share batches, so one pass over the traces serves all of
/// them.
std::vector<SteerCell> steer_grid(const Scenario& scenario, int64_t n_surrogate, uint64_t seed) {
  const std::vector<SteerOptions> settings = steer_settings(scenario, seed);
  std::vector<SteerCell> grid;
  for (int64_t i_surrogate = 0; i_surrogate < n_surrogate; ++i_surrogate) {
    for (const SteerOptions& options : settings) {
      grid.push_back({i_surrogate, options});
    }
  }
  return grid;
}

using Masks = std::vector<std::shared_ptr<const Mask>>;

/// What makes the masks of the target set and of the sets that are guarded.
struct Makers {
  MaskMaker target;
  std::optional<MaskMaker> contrast;  ///< of the conversations that train the surrogate
  std::vector<MaskMaker> guards;

  [[nodiscard]] const MaskMaker& surrogate() const { return contrast ? *contrast : target; }
};

Makers make_makers(const TraceSet& traces,
                   const Scenario& scenario,
                   const TrainingIds& training,
                   const BuildOptions& options) {
  const std::string& target = scenario.target().metric;
  const auto maker_of = [&](TraceSet some) {
    return MaskMaker(std::move(some), scenario, options.n_thread, options.folder);
  };
  Makers makers{maker_of(focus(traces, target, target)), std::nullopt, {}};
  if (!training.empty()) {
    makers.contrast.emplace(maker_of(training_traces(traces, target, training)));
  }
  const auto& weights = scenario.search.guards;
  if (std::any_of(weights.begin(), weights.end(), [](double weight) { return weight > 0.0; })) {
    for (const std::string& set : guarded_sets(traces, scenario)) {
      makers.guards.push_back(maker_of(focus(traces, set, target)));
    }
  }
  return makers;
}

/// One candidate for every guard weight.
void append_sums(const std::shared_ptr<const Mask>& mask,
                 const Masks& guards,
                 const std::vector<double>& weights,
                 Candidate candidate,
                 std::vector<Candidate>& candidates) {
  for (const double weight : weights) {
    if (weight > 0.0 && guards.empty()) {
      continue;
    }
    candidate.mask = add_guards(mask, guards, weight);
    candidate.guard = weight;
    candidates.push_back(candidate);
  }
}

std::vector<Trained> train_all(const MaskMaker& maker,
                               const Scenario& scenario,
                               uint64_t seed,
                               const Progress& progress) {
  std::vector<Trained> trained;
  for (const int64_t offset : scenario.search.seeds) {
    trained.push_back(maker.train(seed + offset, progress));
  }
  return trained;
}

/// Adds a warning unless one of its kind is there.
void add_once(const Warning& warning, std::vector<Warning>& warnings) {
  const auto is_same = [&](const Warning& known) { return known.id == warning.id; };
  if (std::none_of(warnings.begin(), warnings.end(), is_same)) {
    warnings.push_back(warning);
  }
}

/// What cross-validation warns of, with the surrogate it was first said of.
void warn_about(const SurrogateResult& r,
                const std::vector<Warning>& validation,
                std::vector<Warning>& warnings) {
  const std::string name = "surrogate seed " + std::to_string(r.seed) + ": ";
  for (const Warning& warning : validation) {
    add_once({warning.id, name + warning.text, warning.advice}, warnings);
  }
  const bool is_no_better = r.validation_auc <= std::max(r.length_auc, 1.0 - r.length_auc) + 0.02;
  if (r.cross_validation.n_fold == 0 && is_no_better) {
    add_once(
        {"surrogate_no_better_than_length",
         name + "AUC " + format_number(r.validation_auc, 2) +
             " is no better than that of message length alone, " + format_number(r.length_auc, 2),
         "match the classes in length, or collect more conversations"},
        warnings);
  }
}

/// Adds the reports on the target's surrogates, cross-validated, with their warnings.
void append_surrogates(const MaskMaker& maker,
                       const std::vector<Trained>& trained,
                       const Progress& progress,
                       CandidateSet& built) {
  for (const Trained& one : trained) {
    const CrossValidated validated = maker.cross_validate(one, progress);
    SurrogateResult report = one.report;
    report.cross_validation = validated.result;
    warn_about(report, validated.warnings, built.warnings);
    built.surrogates.push_back(report);
  }
}

void append_mean_differences(const Makers& makers,
                             const Scenario& scenario,
                             std::vector<Candidate>& candidates) {
  Masks guards;
  for (const MaskMaker& guard : makers.guards) {
    guards.push_back(guard.mean_difference_mask());
  }
  append_sums(makers.target.mean_difference_mask(), guards, scenario.search.guards, {}, candidates);
}

void append_surrogate_masks(const Makers& makers,
                            const Scenario& scenario,
                            uint64_t seed,
                            const Progress& progress,
                            CandidateSet& built) {
  const MaskMaker& maker = makers.surrogate();
  const std::vector<Trained> trained = train_all(maker, scenario, seed, progress);
  append_surrogates(maker, trained, progress, built);
  const std::vector<SteerCell> grid = steer_grid(scenario, std::ssize(trained), seed);
  const Masks masks = maker.steer(trained, grid, progress);
  std::vector<Masks> guards;  // one list per guarded set, in the order of the grid
  for (const MaskMaker& guard : makers.guards) {
    guards.push_back(guard.steer(train_all(guard, scenario, seed, progress), grid, progress));
  }
  for (size_t i_cell = 0; i_cell < grid.size(); ++i_cell) {
    Masks of_cell;
    for (const Masks& guard : guards) {
      of_cell.push_back(guard[i_cell]);
    }
    const SteerOptions& options = grid[i_cell].options;
    append_sums(masks[i_cell],
                of_cell,
                scenario.search.guards,
                {nullptr, options.n_epoch, options.preserve, 0.0},
                built.candidates);
  }
}

}  // namespace

CandidateSet build_candidates(const TraceSet& traces,
                              const Scenario& scenario,
                              const TrainingIds& training,
                              const BuildOptions& options,
                              const Progress& progress) {
  const Makers makers = make_makers(traces, scenario, training, options);
  CandidateSet built;
  // The baseline first: it is nearly free, and a good one spares the selection many trials.
  if (scenario.uses(MaskMethod::kMeanDifference) && scenario.search.mean_difference_norm > 0.0) {
    append_mean_differences(makers, scenario, built.candidates);
  }
  if (scenario.uses(MaskMethod::kSurrogate)) {
    append_surrogate_masks(makers, scenario, options.seed, progress, built);
  }
  return built;
}

}  // namespace mascing
