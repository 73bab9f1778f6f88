// The driver: each step is one line, each leaves its result on disk before the next begins.
#include "mascing/run.h"

#include <algorithm>
#include <filesystem>
#include <optional>

#include "base/files.h"
#include "base/folder_lock.h"
#include "base/sha256.h"
#include "mascing/error.h"
#include "mascing/mask_file.h"
#include "measure/cached_evaluator.h"
#include "measure/judge_record.h"
#include "measure/label.h"
#include "measure/make_jury.h"
#include "measure/traces.h"
#include "run/baselines.h"
#include "run/eval_shard.h"
#include "run/holdout_evaluation.h"
#include "run/rollout_sets.h"
#include "run/run_record.h"
#include "scenario/dataset.h"
#include "search/interventional_mask.h"
#include "search/loop_masks.h"
#include "search/mask_search.h"
#include "search/objectives.h"
#include "search/select.h"
#include "search/training_contrast.h"

namespace mascing {
namespace {

constexpr size_t kPreserveRows = 150;  // traces of each benign set: their routing should stay

HoldoutRecord look_at(const Dataset& data, const ModelInfo& info, const RunOptions& options) {
  return {options.output, sha256_hex(data.hash + info.identity)};
}

/// One run's state, passed from step to step.
class Run {
 public:
  Run(const Scenario& scenario,
      const Dataset& data,
      Host& host,
      const RunOptions& options,
      const Progress& progress)
      : scenario_(scenario),
        data_(data),
        options_(options),
        progress_(progress),
        judge_(make_jury(scenario.judge,
                         scenario.sets,
                         {options.open_judge_model, options.output + "/cache", progress_})),
        evaluator_(host,
                   Cache(options.output + "/cache", context_key(host.describe(), options)),
                   {static_cast<float>(scenario.temperature), options.seed, scenario.n_max_token},
                   progress_),
        results_(start_results(scenario, host.describe(), options)),
        watch_(results_.seconds) {
    judge_->self_test();
    results_.warnings = data.warnings;
    results_.skipped = data.skipped;
    results_.labels = data.labels;
  }

  RunOutcome search() {
    const Found found = find();
    if (!found.selection.is_found) {
      return give_up(found.coherence);
    }
    results_.search.chosen_by = "rule";
    return test(mask_of(found, found.selection.i_best), found.coherence, true);
  }

  /// Lets somebody look through what was found; returns it without any test.
  Results offer(const Browse& browse) {
    const Found found = find();
    Results offered = finish("").results;
    browse({offered,
            [&](size_t i) { return mask_of(found, i); },
            [&](size_t i) {
              results_ = offered;
              results_.search.chosen_by = "user";
              return test(mask_of(found, i), found.coherence, true);
            },
            evaluator_.host()});
    return offered;
  }

  RunOutcome evaluate(Mask mask) {
    return test(std::move(mask), coherence_limit(evaluator_, data_), false);
  }

  void ask_part(const Mask& mask) {
    const Steering steering{std::make_shared<const Mask>(mask), mask.alpha};
    ask_shard(evaluator_, {data_, scenario_, *judge_, {}, steering, options_.seed}, options_.shard);
  }

 private:
  /// All candidates, and which of them the rule takes.
  struct Found {
    CandidateSet built;
    Selection selection;
    CoherenceLimit coherence;
  };

  Found find() {
    evaluator_.set_budget(options_.budget);
    Found found;
    found.coherence = coherence_limit(evaluator_, data_);
    std::vector<TraceInput> inputs = label(found.coherence);
    n_label_token_ = evaluator_.asked().n_generated;
    const TrainingIds training = choose_contrast(scenario_, options_.seed, inputs, results_);
    const TraceSet traces = trace(inputs);
    check_confounds(scenario_, inputs, traces, options_.seed, results_);
    found.built = build(traces, training, found.coherence);
    found.selection = select(found.built, found.coherence);
    record_search(found.selection, {evaluator_, scenario_, options_, n_label_token_}, results_);
    return found;
  }

  /// A candidate at its strength, with what the selection split said of it.
  [[nodiscard]] static Mask mask_of(const Found& found, size_t i_trial) {
    const CandidateResult& trial = found.selection.trials.at(i_trial);
    Mask mask = *found.built.candidates[found.selection.i_candidate.at(i_trial)].mask;
    mask.alpha = static_cast<float>(trial.alpha);
    add_selection(trial, mask);
    return mask;
  }

  /// Target, hold and keep sets with labels, benign sets as they are.
  std::vector<TraceInput> label(const CoherenceLimit& coherence) {
    std::vector<TraceInput> inputs;
    for (const LoadedSet& set : data_.sets) {
      const std::string& metric = set.spec.metric;
      for (const Split split : {Split::kDiscovery, Split::kSelection, Split::kTest}) {
        results_.labels[std::string(to_string(split)) + "." + metric] =
            static_cast<int64_t>(set.rows(split).size());
      }
      if (set.spec.role == SetRole::kBenign) {
        std::vector<Conversation> rows = set.rows(Split::kDiscovery);
        rows.resize(std::min(rows.size(), kPreserveRows));
        inputs.push_back({metric, std::move(rows)});
      } else if (set.spec.role != SetRole::kWatch) {
        inputs.push_back({metric, label_set(set, coherence)});
      }
    }
    watch_.lap("label");
    return inputs;
  }

  std::vector<Conversation> label_set(const LoadedSet& set, const CoherenceLimit& coherence) {
    Labelled labelled = label_discovery(evaluator_, set, *judge_, coherence);
    const std::string prefix = "discovery." + set.spec.metric;
    results_.labels[prefix + ".label_0"] = labelled.n_label_0;
    results_.labels[prefix + ".label_1"] = labelled.n_label_1;
    results_.labels[prefix + ".unclear"] = labelled.n_unclear;
    add_skipped(labelled.skipped);
    const std::string name =
        set.spec.role == SetRole::kTarget ? "labelled" : "labelled-" + set.spec.metric;
    write_file_atomically(options_.output + "/" + name + ".jsonl", rows_to_jsonl(labelled.rows));
    return std::move(labelled.rows);
  }

  TraceSet trace(const std::vector<TraceInput>& inputs) {
    std::vector<Skipped> skipped;
    TraceSet traces = collect_traces(
        evaluator_.host(), inputs, {options_.output + "/traces"}, skipped, progress_);
    add_skipped(skipped);
    watch_.lap("trace");
    return traces;
  }

  CandidateSet build(const TraceSet& traces,
                     const TrainingIds& training,
                     const CoherenceLimit& coherence) {
    CandidateSet built = build_candidates(traces, scenario_, training, build_options(), progress_);
    results_.surrogates = built.surrogates;
    results_.warnings.insert(results_.warnings.end(), built.warnings.begin(), built.warnings.end());
    watch_.lap("train_and_steer");
    ask_model(traces, coherence, built);
    return built;
  }

  [[nodiscard]] BuildOptions build_options() const {
    return {options_.seed, options_.n_thread, options_.output + "/candidates"};
  }

  /// The masks that come from asking the model stand in front of the others.
  void ask_model(const TraceSet& traces, const CoherenceLimit& coherence, CandidateSet& built) {
    const bool uses_loop =
        scenario_.uses(MaskMethod::kClosedLoop) || scenario_.uses(MaskMethod::kEffectMap);
    const bool uses_interventions = scenario_.uses(MaskMethod::kInterventionalSurrogate);
    if (!uses_loop && !uses_interventions) {
      return;
    }
    const Objectives objectives =
        build_objectives(evaluator_, data_, scenario_, *judge_, coherence, Split::kDiscovery);
    results_.warnings.insert(
        results_.warnings.end(), objectives.warnings.begin(), objectives.warnings.end());
    if (!objectives.sees_target()) {
      watch_.lap("closed_loop");
      return;
    }
    const SearchSpace space = make_search_space(traces, scenario_, options_.seed);
    std::vector<Candidate> asked;
    if (uses_loop) {
      LoopMasks made = make_loop_masks(evaluator_, objectives, scenario_, space, options_.seed);
      results_.effects = std::move(made.effects);
      results_.loop = std::move(made.loop);
      asked = std::move(made.candidates);
      watch_.lap("closed_loop");
    }
    if (uses_interventions) {
      InterventionalMask made = make_interventional_mask(
          evaluator_, {objectives, data_, traces}, scenario_, space, build_options());
      results_.interventional = std::move(made.result);
      asked.push_back(std::move(made.candidate));
      watch_.lap("interventional_surrogate");
    }
    built.candidates.insert(built.candidates.begin(), asked.begin(), asked.end());
  }

  Selection select(const CandidateSet& built, const CoherenceLimit& coherence) {
    Selection selection = select_mask(evaluator_,
                                      {data_, scenario_, *judge_, coherence, options_.watch_trials},
                                      built.candidates);
    results_.candidates = selection.trials;
    results_.outcome = selection.outcome;
    results_.warnings.insert(
        results_.warnings.end(), selection.warnings.begin(), selection.warnings.end());
    watch_.lap("select");
    return selection;
  }

  RunOutcome test(Mask mask, const CoherenceLimit& coherence, bool is_new) {
    const Steering steering{std::make_shared<const Mask>(mask), mask.alpha};
    const HoldoutVerdict verdict = evaluate_holdout(
        evaluator_, {data_, scenario_, *judge_, coherence, steering, options_.seed}, results_);
    watch_.lap("test");
    compare_baselines(steering, coherence);
    std::string failure;
    if (!verdict.holds) {
      failure = "the mask weakens what must stay refused: see the warnings";
    } else if (is_new && !verdict.is_beyond_chance) {
      failure = "no effect beyond chance on the test split: no mask is recommended";
    }
    const bool is_kept = is_new && failure.empty();
    add_mask(mask, is_kept ? "mask.gguf" : "", results_);
    if (is_kept) {
      add_metrics(results_, mask);
      write_mask(options_.output + "/mask.gguf", mask);
    }
    return finish(failure);
  }

  RunOutcome give_up(const CoherenceLimit& coherence) {
    evaluate_holdout(evaluator_, {data_, scenario_, *judge_, coherence, {}}, results_);
    watch_.lap("test");
    compare_baselines({}, coherence);
    if (results_.candidates.empty()) {
      results_.warnings.push_back({"no_mask_found",
                                   "no method of the scenario made a mask",
                                   "the other warnings say why; name further methods"});
    } else {
      results_.warnings.push_back(
          {"no_mask_found",
           "no mask improves the target on the selection split within the limits of its hold sets",
           "look at the candidates in the report; give more data or loosen the limits"});
    }
    return finish(
        "no mask was found that improves the target within the limits: none is recommended");
  }

  void compare_baselines(const Steering& chosen, const CoherenceLimit& coherence) {
    if (!options_.with_baselines) {
      return;
    }
    const std::string folder = options_.output + "/baselines";
    measure_baselines(
        evaluator_,
        {data_, scenario_, *judge_, coherence, chosen, folder, options_.seed, options_.n_thread},
        results_);
    watch_.lap("baselines");
  }

  void add_skipped(const std::vector<Skipped>& skipped) {
    results_.skipped.insert(results_.skipped.end(), skipped.begin(), skipped.end());
  }

  RunOutcome finish(const std::string& failure) {
    const HostCounters counters = evaluator_.host().counters();
    results_.n_prefill_token = counters.n_prefill_token - results_.n_baseline_prefill_token;
    results_.n_generated_token = counters.n_generated_token - results_.n_baseline_generated_token;
    record_judges(*judge_, results_);
    results_.tokens_per_second_base = evaluator_.tokens_per_second(false);
    results_.tokens_per_second_steered = evaluator_.tokens_per_second(true);
    return {std::move(results_), failure, false};
  }

  const Scenario& scenario_;
  const Dataset& data_;
  const RunOptions& options_;
  const Progress& progress_;
  std::unique_ptr<Jury> judge_;
  CachedEvaluator evaluator_;
  Results results_;
  Stopwatch watch_;
  int64_t n_label_token_ = 0;  ///< written when the discovery split was labelled
};

/// What every run begins with: conversations, scripts rolled out. Holds the output folder.
struct Work {
  Work(const Scenario& scenario,
       const ModelInfo& info,
       const GiveHost& host,
       const RunOptions& options,
       const Progress& progress)
      : data(load_dataset(scenario, options.seed)) {
    ensure_directory(options.output);
    lock.emplace(options.output);
    data = roll_out_sets(std::move(data), scenario, {info, host, options, progress});
    key = run_key(scenario, data, info, options);
  }

  Dataset data;
  std::optional<FolderLock> lock;
  std::string key;  ///< of everything that the outcome depends on
};

/// The same for a mask that is there; an evaluation and its parts.
struct Evaluation {
  Evaluation(const Scenario& scenario,
             const Mask& given,
             double alpha,
             Host& host,
             const RunOptions& options,
             const Progress& progress)
      : mask(fitting(given, alpha, host)),
        work(
            scenario, host.describe(), [&host]() -> Host& { return host; }, options, progress) {
    const Steering steering{std::make_shared<const Mask>(mask), mask.alpha};
    key = sha256_hex(work.key + steering_key(steering));
    mark_part(options.output, key);
  }

  static Mask fitting(Mask mask, double alpha, const Host& host) {
    require_same_model(mask, host.describe());
    mask.alpha = static_cast<float>(alpha);
    return mask;
  }

  Mask mask;
  Work work;
  std::string key;
};

}  // namespace

RunOutcome run_scenario(const Scenario& scenario,
                        const ModelInfo& info,
                        const OpenHost& open_host,
                        const RunOptions& options,
                        const Progress& progress) {
  const GiveHost host = opened_once(open_host);
  const Work work(scenario, info, host, options, progress);
  if (auto finished = read_finished(work.key, options)) {
    return std::move(*finished);
  }
  std::filesystem::remove(options.output +
                          "/mask.gguf");  // of another run: never to be taken for this one's
  RunOutcome outcome = Run(scenario, work.data, host(), options, progress).search();
  if (!outcome.results.mask_steer.empty()) {
    look_at(work.data, info, options).take(outcome.results.mask_steer, outcome.results.mask_alpha);
  }
  write_outputs(outcome, work.key, options);
  return outcome;
}

void search_scenario(const Scenario& scenario,
                     const ModelInfo& info,
                     const OpenHost& open_host,
                     const RunOptions& options,
                     const Browse& browse,
                     const Progress& progress) {
  const GiveHost host = opened_once(open_host);
  const Work work(scenario, info, host, options, progress);
  const HoldoutRecord look = look_at(work.data, info, options);
  const Browse gated = [&](const SearchView& view) {
    write_search(view.results, options.output);
    browse({view.results,
            view.mask,
            [&](size_t i) {
              const Mask mask = view.mask(i);
              look.require_first(mask);
              look.take(mask.steer, mask.alpha);
              RunOutcome outcome = view.test(i);
              write_outputs(outcome, work.key, options);
              return outcome;
            },
            view.host});
  };
  (void)Run(scenario, work.data, host(), options, progress).offer(gated);
}

RunOutcome evaluate_mask(const Scenario& scenario,
                         const Mask& mask,
                         double alpha,
                         Host& host,
                         const RunOptions& options,
                         const Progress& progress) {
  const Evaluation job(scenario, mask, alpha, host, options, progress);
  take_parts(options.merge, job.key, Cache(options.output + "/cache", ""));
  RunOutcome outcome = Run(scenario, job.work.data, host, options, progress).evaluate(job.mask);
  write_results(outcome.results, options.output);
  return outcome;
}

void evaluate_shard(const Scenario& scenario,
                    const Mask& mask,
                    double alpha,
                    Host& host,
                    const RunOptions& options,
                    const Progress& progress) {
  const Evaluation job(scenario, mask, alpha, host, options, progress);
  Run(scenario, job.work.data, host, options, progress).ask_part(job.mask);
}

}  // namespace mascing
