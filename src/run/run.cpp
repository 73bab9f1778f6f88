// The driver: a list of steps whose values are put together to the results in one place.
#include "mascing/run.h"

#include <memory>
#include <optional>
#include <utility>

#include "base/append.h"
#include "base/files.h"
#include "base/folder_lock.h"
#include "base/numeric.h"
#include "base/sha256.h"
#include "mascing/error.h"
#include "mascing/mask_file.h"
#include "measure/eval_context.h"
#include "measure/judge_record.h"
#include "measure/label.h"
#include "measure/make_jury.h"
#include "run/baselines.h"
#include "run/eval_shard.h"
#include "run/find_masks.h"
#include "run/holdout_evaluation.h"
#include "run/holdout_record.h"
#include "run/own_inputs.h"
#include "run/power_check.h"
#include "run/protocol.h"
#include "run/rollout_sets.h"
#include "run/run_record.h"
#include "run/sampled_evaluation.h"
#include "run/seen_rows.h"
#include "run/skip_warnings.h"
#include "run/stage_meter.h"
#include "scenario/dataset.h"
#include "search/conclusion.h"
#include "search/set_margins.h"
#include "stage/verdict_on.h"

namespace mascing {
namespace {

/// What every run begins with: conversations, scripts rolled out. Holds the output folder.
struct Work {
  Work(const Scenario& scenario,
       const ModelInfo& info,
       const GiveHost& host,
       const RunOptions& options,
       const Progress& progress,
       SplitNeeds needs = SplitNeeds::kAll)
      : data(load_dataset(scenario, options.seed, needs)) {
    refuse_own_inputs(scenario, needs == SplitNeeds::kAll, options.output);
    ensure_directory(options.output);
    lock.emplace(options.output);
    data = roll_out_sets(std::move(data), scenario, {info, host, options, progress, needs});
    key = run_key(scenario, data, info, options);
  }

  Dataset data;
  std::optional<FolderLock> lock;
  std::string key;  ///< hash of all inputs of the outcome
};

/// The same for an existing mask, for an evaluation and its shards.
struct Evaluation {
  Evaluation(const Scenario& scenario,
             const Mask& given,
             double alpha,
             Host& host,
             const RunOptions& options,
             const Progress& progress)
      : mask(fitting(given, alpha, host)),
        work(
            scenario,
            host.describe(),
            [&host]() -> Host& { return host; },
            options,
            progress,
            SplitNeeds::kTest) {
    const Steering steering{std::make_shared<const Mask>(mask), mask.alpha};
    const char* const attacks = options.attacks == Attacks::kPlayed ? "played" : "";
    key = sha256_hex(work.key + steering_key(steering) + attacks);
    mark_part(options.output, key);
  }

  static Mask fitting(Mask mask, double alpha, const Host& host) {
    require_same_model(mask, host.describe());
    mask.alpha = to_float(alpha);
    return mask;
  }

  Mask mask;
  Work work;
  std::string key;
};

Steering steering_of(const Mask& mask) {
  return {std::make_shared<const Mask>(mask), mask.alpha};
}

/// What a run measures with.
struct Session {
  Session(const Scenario& scenario_in,
          const Dataset& data_in,
          Host& host,
          const RunOptions& options_in,
          const Progress& progress)
      : scenario(scenario_in),
        data(data_in),
        options(options_in),
        judge(make_jury(scenario.judge,
                        scenario.sets,
                        {options.open_judge_model, options.output + "/cache", progress})),
        evaluator(host,
                  Cache(options.output + "/cache", context_key(host.describe(), options)),
                  {to_float(scenario.temperature),
                   options.seed,
                   scenario.n_max_token,
                   scenario.n_max_reasoning_token},
                  progress),
        meter(host) {
    judge->self_test();
  }

  [[nodiscard]] EvalContext context(const CoherenceLimit& coherence) {
    const auto n_reasoning = [](const AskedReply& reply) { return reply.n_reasoning_token; };
    const auto n_before = [this](const AskedReply& reply, const LeadSentences& leads) {
      return n_before_conclusion(evaluator.host(), reply, leads);
    };
    return {evaluator, data, scenario, *judge, coherence, n_reasoning, n_before};
  }
  /// Asks the unsteered model what coherent replies are like.
  [[nodiscard]] EvalContext calibrated_context() {
    return context(coherence_limit(evaluator, data));
  }

  const Scenario& scenario;
  const Dataset& data;
  const RunOptions& options;
  std::unique_ptr<Jury> judge;
  CachedEvaluator evaluator;
  StageMeter meter;
};

/// What was measured on the test split.
struct Tested {
  HoldoutResult holdout;
  BaselinesResult baselines;
};

/// The parts of a run's results.
struct Parts {
  const FoundMasks* found = nullptr;  ///< null: the mask was given
  std::string chosen_by;
  std::optional<Tested> tested = {};   ///< none: before the test
  std::vector<Warning> warnings = {};  ///< that come last
  std::optional<Mask> mask = {};       ///< the one that was tested
  std::string mask_file = {};          ///< empty: it was not written
};

void add_found(const FoundMasks& found, Results& results) {
  results.labels.insert(found.labels.begin(), found.labels.end());
  append(found.skipped, results.skipped);
  append(found.warnings, results.warnings);
  results.power = found.power;
  results.confounds = found.confounds;
  results.surrogates = found.surrogates;
  results.effects = found.asked.effects;
  results.loop = found.asked.loop;
  results.adapter_loop = found.asked.adapter_loop;
  results.interventional = found.asked.interventional;
  results.candidates = found.selection.trials;
  results.outcome = found.selection.outcome;
  results.outcome.held_out = found.asked.margins;
  results.search = found.search;
}

void add_tested(const Tested& tested, Results& results) {
  const auto& [holdout, baselines] = tested;
  results.metrics = holdout.metrics;
  results.judges = holdout.judges;
  results.damage = holdout.damage;
  results.routing = holdout.routing;
  append(holdout.skipped, results.skipped);
  append(holdout.warnings, results.warnings);
  append(baselines.candidates, results.candidates);
  results.random_masks = baselines.random_masks;
  results.n_baseline_prefill_token = baselines.tokens.n_prefill;
  results.n_baseline_generated_token = baselines.tokens.n_generated;
}

void add_mask(const Mask& mask, const std::string& file, Results& results) {
  results.mask_file = file;
  results.mask_method = mask.method;
  results.mask_alpha = mask.alpha;
  results.mask_lambda = mask.lambda;
  results.mask_n_active = mask.n_active();
  results.mask_steer = mask.total();
}

void add_cost(Session& session, Results& results) {
  const HostCounters counters = session.evaluator.host().counters();
  results.n_prefill_token = counters.n_prefill_token - results.n_baseline_prefill_token;
  results.n_generated_token = counters.n_generated_token - results.n_baseline_generated_token;
  results.tokens_per_second_base = session.evaluator.tokens_per_second(false);
  results.tokens_per_second_steered = session.evaluator.tokens_per_second(true);
  session.meter.add_to(results);
}

Results put_together(Session& session, const Parts& parts) {
  Host& host = session.evaluator.host();
  Results results = start_results(session.scenario, host.describe(), session.options);
  append(session.data.warnings, results.warnings);
  results.skipped = session.data.skipped;
  results.labels = session.data.labels;
  if (parts.found != nullptr) {
    add_found(*parts.found, results);
    results.search.chosen_by = parts.chosen_by;
  }
  if (parts.tested) {
    add_tested(*parts.tested, results);
  }
  append(parts.warnings, results.warnings);
  if (parts.mask) {
    add_mask(*parts.mask, parts.mask_file, results);
  }
  results.judges.members = judge_results(*session.judge);
  results.protocol = protocol_of(session.scenario, session.data, host, session.options);
  results.protocol.n_sample = n_sampled(results.metrics);
  append(judge_warnings(results.judges), results.warnings);
  append(template_warnings(results.protocol), results.warnings);
  append(skip_warnings(results, session.data), results.warnings);
  add_cost(session, results);
  if (parts.tested) {
    results.verdict = verdict_on(results, session.scenario.verdict);
  }
  return results;
}

/// The test split without and with a steering, and what it is compared with.
Tested test(Session& session,
            const EvalContext& context,
            const Steering& steering,
            const SetMargins& margins) {
  const RunOptions& options = session.options;
  Tested tested;
  tested.holdout =
      evaluate_holdout(context, {steering}, {options.seed, options.attacks, true, margins});
  session.meter.lap("test");
  if (options.with_baselines) {
    const BuildOptions build{options.seed, options.n_thread, options.output + "/baselines"};
    const std::string key = context_key(context.evaluator.host().describe(), options);
    tested.baselines = measure_baselines(context, steering, build, key);
    session.meter.lap("baselines");
  }
  return tested;
}

RunOutcome outcome_of(Session& session, Parts parts, const std::string& failure) {
  auto& transcripts = parts.tested->holdout.transcripts;
  return {put_together(session, parts), failure, false, std::move(transcripts)};
}

RunOutcome test_found(Session& session,
                      const EvalContext& context,
                      const FoundMasks& found,
                      size_t i_trial,
                      const std::string& chosen_by) {
  Mask mask = found.mask(i_trial);
  Parts parts{
      &found, chosen_by, test(session, context, steering_of(mask), find_set_margins(context))};
  const HoldoutResult& holdout = parts.tested->holdout;
  const std::string failure = failure_of(holdout, true);
  parts.mask = mask;
  parts.warnings =
      HoldoutRecord(session.data, context.evaluator.host().describe(), session.options).warnings();
  if (failure.empty()) {
    parts.mask_file = "mask.gguf";
    add_metrics(holdout.metrics, mask);
    write_mask(session.options.output + "/mask.gguf", mask);
  }
  RunOutcome outcome = outcome_of(session, std::move(parts), failure);
  outcome.results.candidates.at(i_trial).is_chosen = true;
  return outcome;
}

RunOutcome test_given(Session& session, const EvalContext& context, const Mask& mask) {
  const HoldoutRecord record(session.data, context.evaluator.host().describe(), session.options);
  if (is_active(steering_of(mask))) {
    record.take(mask);
  }
  Parts parts{nullptr, "", test(session, context, steering_of(mask), margins_of_given_mask())};
  mark_seen(session.data, mask, parts.tested->holdout);
  parts.mask = mask;
  parts.warnings = record.warnings();
  const std::string failure = failure_of(parts.tested->holdout, false);
  return outcome_of(session, std::move(parts), failure);
}

/// The unsteered model alone.
RunOutcome give_up(Session& session, const EvalContext& context, const FoundMasks& found) {
  Parts parts{&found, "", test(session, context, {}, {})};
  const bool was_tried =
      !found.selection.trials.empty() || !parts.tested->baselines.candidates.empty();
  parts.warnings = {
      {"no_mask_found",
       was_tried ? "no mask improves the target on the selection split within the limits of its "
                   "hold sets"
                 : "no method of the scenario produced a mask",
       was_tried ? "see the candidates in the report; add data or relax the limits"
                 : "see the other warnings for the reasons, or add methods"}};
  return outcome_of(session,
                    std::move(parts),
                    "no mask improves the target within the limits; none is recommended");
}

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
  (void)require_power(work.data, {});
  Session session(scenario, work.data, host(), options, progress);
  session.evaluator.set_budget(options.budget);
  const EvalContext context = session.calibrated_context();
  const FoundMasks found = find_masks(context, options, session.meter);
  const Selection& selection = found.selection;
  const size_t i_best = selection.i_best;
  if (selection.is_found) {
    HoldoutRecord(work.data, info, options)
        .take_if_agreed(found.mask(i_best), selection.trials.at(i_best), options.agrees_to_test);
  }
  set_aside(work.key, ResultKind::kRun, options);
  RunOutcome outcome = selection.is_found ? test_found(session, context, found, i_best, "rule")
                                          : give_up(session, context, found);
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
  (void)require_power(work.data, {});
  Session session(scenario, work.data, host(), options, progress);
  session.evaluator.set_budget(options.budget);
  const EvalContext context = session.calibrated_context();
  const FoundMasks found = find_masks(context, options, session.meter);
  const Results offered = put_together(session, {&found, ""});
  write_search(offered, options.output);
  const HoldoutRecord record(work.data, info, options);
  const auto test_choice = [&](size_t i_trial) {
    const Mask mask = found.mask(i_trial);
    record.require_first(mask);
    record.take(mask);
    set_aside("", ResultKind::kRun, options);
    RunOutcome outcome = test_found(session, context, found, i_trial, "user");
    write_outputs(outcome, work.key, options);
    return outcome;
  };
  browse({offered, [&](size_t i) { return found.mask(i); }, test_choice, session.evaluator.host()});
}

RunOutcome evaluate_mask(const Scenario& scenario,
                         const Mask& mask,
                         double alpha,
                         Host& host,
                         const RunOptions& options,
                         const Progress& progress) {
  const Evaluation job(scenario, mask, alpha, host, options, progress);
  take_parts(options.merge, job.key, Cache(options.output + "/cache", ""));
  set_aside(job.key, ResultKind::kEvaluation, options);
  Session session(scenario, job.work.data, host, options, progress);
  RunOutcome outcome = test_given(session, session.calibrated_context(), job.mask);
  write_evaluation(outcome, job.key, options);
  return outcome;
}

void evaluate_shard(const Scenario& scenario,
                    const Mask& mask,
                    double alpha,
                    Host& host,
                    const RunOptions& options,
                    const Progress& progress) {
  const Evaluation job(scenario, mask, alpha, host, options, progress);
  Session session(scenario, job.work.data, host, options, progress);
  // Verdicts go into the cache; whether replies are coherent is for the merge to say.
  ask_shard(session.context({}), steering_of(job.mask), options.seed, options.shard);
}

}  // namespace mascing
