// The driver: each step is one line, each leaves its result on disk before the next begins.
#include "pipeline/run.h"

#include <algorithm>
#include <chrono>
#include <filesystem>

#include <nlohmann/json.hpp>

#include "base/files.h"
#include "base/sha256.h"
#include "format/conversations.h"
#include "format/mask_file.h"
#include "mascing/error.h"
#include "pipeline/baselines.h"
#include "pipeline/bench.h"
#include "pipeline/dataset.h"
#include "pipeline/final_test.h"
#include "pipeline/judge_record.h"
#include "pipeline/label.h"
#include "pipeline/loop_masks.h"
#include "pipeline/mask_search.h"
#include "pipeline/panel.h"
#include "pipeline/select.h"
#include "pipeline/traces.h"
#include "pipeline/training_contrast.h"
#include "report/report.h"

namespace mascing {
namespace {

using nlohmann::json;

constexpr size_t kPreserveRows = 150;  // traces of each benign set: their routing should stay

/// Wall time of the steps, by name.
class Stopwatch {
 public:
  explicit Stopwatch(std::map<std::string, double>& seconds) : seconds_(seconds) {}

  void lap(const std::string& step) {
    const auto now = std::chrono::steady_clock::now();
    seconds_[step] += std::chrono::duration<double>(now - last_).count();
    last_ = now;
  }

 private:
  std::map<std::string, double>& seconds_;
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

std::string context_key(const ModelInfo& info, const RunOptions& options) {
  const json key = {MASCING_VERSION, info.identity, options.n_thread, options.host_key};
  return key.dump();
}

std::string run_key(const Scenario& scenario,
                    const Dataset& data,
                    const ModelInfo& info,
                    const RunOptions& options) {
  const json key = {context_key(info, options),
                    sha256_file(scenario.path),
                    data.hash,
                    options.seed,
                    options.method,
                    options.with_baselines,
                    judges_key(scenario.judge)};
  return sha256_hex(key.dump());
}

Results start_results(const Scenario& scenario, const ModelInfo& info, const RunOptions& options) {
  Results results;
  results.tool_version = MASCING_VERSION;
  results.seed = options.seed;
  results.n_thread = options.n_thread;
  results.command = options.command;
  results.scenario_name = scenario.name;
  results.direction = scenario.direction;
  results.target_metric = scenario.target().metric;
  results.model_name = info.name;
  results.model_description = info.description;
  results.fingerprint = info.fingerprint;
  results.architecture = info.architecture;
  results.n_layer = info.n_layer;
  results.n_expert = info.n_expert;
  results.n_expert_used = info.n_expert_used;
  return results;
}

std::string rows_to_jsonl(const std::vector<Conversation>& rows) {
  std::string text;
  for (const Conversation& row : rows) {
    text += to_jsonl(row) + '\n';
  }
  return text;
}

void add_mask(const Mask& mask, const std::string& file, Results& results) {
  results.mask_file = file;
  results.mask_method = mask.method;
  results.mask_alpha = mask.alpha;
  results.mask_lambda = mask.lambda;
  results.mask_n_active = mask.n_active();
  results.mask_steer = mask.steer;
}

void add_metrics(const Results& results, Mask& mask) {
  for (const auto& [id, metric] : results.metrics) {
    const std::string prefix = metric.split + "." + id;
    mask.metrics[prefix + ".n"] = static_cast<double>(metric.n);
    mask.metrics[prefix + ".base"] = metric.base.rate;
    if (metric.steered) {
      mask.metrics[prefix + ".rate"] = metric.steered->rate;
      mask.metrics[prefix + ".low"] = metric.steered->low;
      mask.metrics[prefix + ".high"] = metric.steered->high;
    }
  }
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
        judge_(make_judge(scenario.judge,
                          scenario.sets,
                          {options.open_judge_model, options.output + "/cache", progress_})),
        bench_(host,
               Cache(options.output + "/cache", context_key(host.describe(), options)),
               {static_cast<float>(scenario.temperature), options.seed, scenario.n_max_token},
               progress_),
        results_(start_results(scenario, host.describe(), options)),
        watch_(results_.seconds) {
    judge_->self_test();
    results_.warnings = data.warnings;
  }

  RunOutcome search() {
    const CoherenceLimit coherence = coherence_limit(bench_, data_);
    std::vector<TraceInput> inputs = label(coherence);
    const TrainingIds training = choose_contrast(scenario_, options_.seed, inputs, results_);
    const TraceSet traces = trace(inputs);
    check_confounds(scenario_, inputs, traces, options_.seed, results_);
    const CandidateSet built = build(traces, training, coherence);
    const Selection selection = select(built, coherence);
    if (!selection.is_found) {
      return give_up(coherence);
    }
    Mask mask = *built.candidates[selection.i_candidate[selection.i_best]].mask;
    mask.alpha = static_cast<float>(selection.trials[selection.i_best].alpha);
    return test(std::move(mask), coherence, true);
  }

  RunOutcome evaluate(Mask mask) {
    return test(std::move(mask), coherence_limit(bench_, data_), false);
  }

 private:
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
    Labelled labelled = label_discovery(bench_, set, *judge_, coherence);
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
    TraceSet traces =
        collect_traces(bench_.host(), inputs, {options_.output + "/traces"}, skipped, progress_);
    add_skipped(skipped);
    watch_.lap("trace");
    return traces;
  }

  CandidateSet build(const TraceSet& traces,
                     const TrainingIds& training,
                     const CoherenceLimit& coherence) {
    CandidateSet built =
        build_candidates(traces,
                         scenario_,
                         training,
                         {options_.seed, options_.n_thread, options_.output + "/candidates"},
                         progress_);
    results_.surrogates = built.surrogates;
    results_.warnings.insert(results_.warnings.end(), built.warnings.begin(), built.warnings.end());
    watch_.lap("train_and_steer");
    if (scenario_.uses(MaskMethod::kClosedLoop) || scenario_.uses(MaskMethod::kEffectMap)) {
      ask_model(traces, coherence, built);
    }
    return built;
  }

  /// The masks that come from asking the model stand in front of the others.
  void ask_model(const TraceSet& traces, const CoherenceLimit& coherence, CandidateSet& built) {
    const Panel panel =
        build_panel(bench_, data_, scenario_, *judge_, coherence, Split::kDiscovery);
    results_.warnings.insert(results_.warnings.end(), panel.warnings.begin(), panel.warnings.end());
    LoopMasks made = make_loop_masks(bench_, panel, scenario_, traces, options_.seed);
    results_.effects = std::move(made.effects);
    results_.loop = std::move(made.loop);
    built.candidates.insert(
        built.candidates.begin(), made.candidates.begin(), made.candidates.end());
    watch_.lap("closed_loop");
  }

  Selection select(const CandidateSet& built, const CoherenceLimit& coherence) {
    Selection selection =
        select_mask(bench_, data_, scenario_, built.candidates, *judge_, coherence);
    results_.candidates = selection.trials;
    results_.outcome = selection.outcome;
    results_.warnings.insert(
        results_.warnings.end(), selection.warnings.begin(), selection.warnings.end());
    watch_.lap("select");
    return selection;
  }

  RunOutcome test(Mask mask, const CoherenceLimit& coherence, bool is_new) {
    const Steering steering{std::make_shared<const Mask>(mask), mask.alpha};
    const TestVerdict verdict =
        measure_test_split(bench_, {data_, scenario_, *judge_, coherence, steering}, results_);
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
    measure_test_split(bench_, {data_, scenario_, *judge_, coherence, {}}, results_);
    watch_.lap("test");
    compare_baselines({}, coherence);
    results_.warnings.push_back(
        {"no_mask_found",
         "no mask improves the target on the selection split within the limits of its hold sets",
         "look at the candidates in the report; give more data or loosen the limits"});
    return finish("no mask was found that improves the target within the limits");
  }

  void compare_baselines(const Steering& chosen, const CoherenceLimit& coherence) {
    if (!options_.with_baselines) {
      return;
    }
    const std::string folder = options_.output + "/baselines";
    measure_baselines(
        bench_,
        {data_, scenario_, *judge_, coherence, chosen, folder, options_.seed, options_.n_thread},
        results_);
    watch_.lap("baselines");
  }

  void add_skipped(const std::vector<Skipped>& skipped) {
    results_.skipped.insert(results_.skipped.end(), skipped.begin(), skipped.end());
  }

  RunOutcome finish(const std::string& failure) {
    const HostCounters counters = bench_.host().counters();
    results_.n_prefill_token = counters.n_prefill_token - results_.n_baseline_prefill_token;
    results_.n_generated_token = counters.n_generated_token - results_.n_baseline_generated_token;
    record_judges(*judge_, results_);
    results_.tokens_per_second_base = bench_.tokens_per_second(false);
    results_.tokens_per_second_steered = bench_.tokens_per_second(true);
    return {std::move(results_), failure, false};
  }

  const Scenario& scenario_;
  const Dataset& data_;
  const RunOptions& options_;
  const Progress& progress_;
  std::unique_ptr<Jury> judge_;
  Bench bench_;
  Results results_;
  Stopwatch watch_;
};

std::string stamp_path(const RunOptions& options) {
  return options.output + "/run.json";
}

/// Hash of what a run found, without what `mascing export` may have added since.
std::string hash_of(Results results) {
  results.exports.clear();
  return sha256_hex(to_json(results));
}

std::optional<Results> read_results(const std::string& path) {
  try {
    return results_from_json(read_text_file(path), path);
  } catch (const Error& failure) {
    if (failure.kind() != ErrorKind::kBadInput) {
      throw;
    }
    return std::nullopt;
  }
}

/// The outcome of a finished run with the same key, or nothing.
std::optional<RunOutcome> read_finished(const std::string& key, const RunOptions& options) {
  const std::string results_path = options.output + "/results.json";
  if (!file_exists(stamp_path(options)) || !file_exists(results_path)) {
    return std::nullopt;
  }
  const json stamp = json::parse(read_text_file(stamp_path(options)), nullptr, false);
  const auto word = [&](const char* name) {
    const bool has_word = stamp.is_object() && stamp.contains(name) && stamp.at(name).is_string();
    return has_word ? stamp.at(name).get<std::string>() : std::string();
  };
  if (word("key") != key) {
    return std::nullopt;
  }
  std::optional<Results> results = read_results(results_path);
  const std::string failure = word("failure");
  const bool has_mask = file_exists(options.output + "/mask.gguf");
  if (!results || word("results") != hash_of(*results) || (failure.empty() && !has_mask)) {
    return std::nullopt;
  }
  return RunOutcome{*std::move(results), failure, true};
}

/// Leaves report.html and results.json. The page is drawn from what was written, so that `mascing
/// report` draws the same.
void write_results(const Results& results, const std::string& folder) {
  const std::string text = to_json(results);
  const std::string path = folder + "/results.json";
  write_file_atomically(folder + "/report.html", render_report(results_from_json(text, path)));
  write_file_atomically(path, text);
}

void write_outputs(const RunOutcome& outcome, const std::string& key, const RunOptions& options) {
  write_results(outcome.results, options.output);
  const json stamp = {
      {"key", key}, {"results", hash_of(outcome.results)}, {"failure", outcome.failure}};
  write_file_atomically(stamp_path(options), stamp.dump() + "\n");
}

}  // namespace

RunOutcome run_scenario(const Scenario& scenario,
                        const ModelInfo& info,
                        const OpenHost& open_host,
                        const RunOptions& options,
                        const Progress& progress) {
  const Dataset data = load_dataset(scenario, options.seed);
  ensure_directory(options.output);
  const FolderLock lock(options.output);
  const std::string key = run_key(scenario, data, info, options);
  if (auto finished = read_finished(key, options)) {
    return std::move(*finished);
  }
  std::filesystem::remove(options.output +
                          "/mask.gguf");  // of another run: never to be taken for this one's
  const std::unique_ptr<Host> host = open_host();
  RunOutcome outcome = Run(scenario, data, *host, options, progress).search();
  write_outputs(outcome, key, options);
  return outcome;
}

RunOutcome evaluate_mask(const Scenario& scenario,
                         const Mask& mask,
                         double alpha,
                         Host& host,
                         const RunOptions& options,
                         const Progress& progress) {
  require_same_model(mask, host.describe());
  const Dataset data = load_dataset(scenario, options.seed);
  ensure_directory(options.output);
  const FolderLock lock(options.output);
  Mask used = mask;
  used.alpha = static_cast<float>(alpha);
  RunOutcome outcome = Run(scenario, data, host, options, progress).evaluate(std::move(used));
  write_results(outcome.results, options.output);
  return outcome;
}

}  // namespace mascing
