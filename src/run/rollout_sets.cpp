// Each set is a separate collection whose output replaces the set's files.
#include "run/rollout_sets.h"

#include <algorithm>
#include <memory>

#include <nlohmann/json.hpp>

#include "base/files.h"
#include "base/numeric.h"
#include "base/sha256.h"
#include "measure/make_jury.h"
#include "measure/rollout_judge.h"
#include "run/run_record.h"

namespace mascing {
namespace {

using nlohmann::json;

constexpr size_t kNameDigits = 16;  // of a hash in a file name

void add_if_any(const std::string& name, int64_t n, Dataset& record) {
  if (n > 0) {
    record.labels[name] = n;
  }
}

Warning cut_warning(const std::string& metric, const RolloutSummary& summary) {
  return {"turns_cut",
          std::to_string(summary.n_cut) + " of " + std::to_string(summary.n_script) +
              " conversations of '" + metric +
              "' go on after an assistant turn that the token limit cut off",
          "raise max_play_tokens under [generate]; the model sees such a turn as if it had ended"};
}

class SetRollouts {
 public:
  SetRollouts(const Scenario& scenario, const RolloutTools& tools)
      : scenario_(scenario),
        tools_(tools),
        rolling_out_([this](const ProgressEvent& event) {
          last_ = event;
          return !tools_.progress || tools_.progress(event);
        }),
        judging_(
            [this](const ProgressEvent&) { return !tools_.progress || tools_.progress(last_); }) {}

  /// Returns the file of rollouts.
  std::string roll_out(const ScenarioSet& set, Dataset& record) {
    RolloutQuestion question;
    question.behaviour = set.wanted == Wanted::kRefused ? Verdict::kAnswered : Verdict::kRefused;
    question.answer_prefixes = set.answer_prefixes;
    question.set = set.metric;
    const RolloutJob job = job_of(set, question);
    const JudgeReplies judge = [&](const std::vector<RolloutReply>& replies) {
      return judged_by(*judge_, question)(replies);
    };
    const GiveHost host = [this]() -> Host& { return ready_host(); };
    const RolloutSummary summary = collect_rollouts(tools_.info, host, job, judge, rolling_out_);
    const std::string prefix = "played." + set.metric;
    record.labels[prefix + ".scripts"] = summary.n_script;
    record.labels[prefix + ".label_1"] = summary.n_label_1;
    add_if_any(prefix + ".cut", summary.n_with_cut, record);
    add_if_any(prefix + ".unfinished", summary.n_unfinished, record);
    if (summary.n_cut > 0) {
      record.warnings.push_back(cut_warning(set.metric, summary));
    }
    record.skipped.insert(record.skipped.end(), summary.failed.begin(), summary.failed.end());
    return job.output;
  }

 private:
  /// Conversations already in the journals need neither the model nor the judges.
  Host& ready_host() {
    if (!judge_) {
      judge_ =
          make_jury(scenario_.judge,
                    scenario_.sets,
                    {tools_.options.open_judge_model, tools_.options.output + "/cache", judging_});
      judge_->self_test();
    }
    return tools_.host();
  }

  [[nodiscard]] RolloutJob job_of(const ScenarioSet& set, const RolloutQuestion& question) const {
    RolloutJob job;
    job.inputs = set.data;
    job.what = "playing " + set.metric;
    job.options.sampling = {to_float(scenario_.temperature),
                            tools_.options.seed,
                            scenario_.n_max_play_token,
                            scenario_.n_max_reasoning_token};
    job.options.behaviour = question.behaviour;
    job.options.judge_every_turn = sees_small_talk(scenario_.judge, question);
    job.options.n_together = judged_together(scenario_.judge);
    const json settings = {context_key(tools_.info, tools_.options),
                           judges_key(scenario_.judge),
                           scenario_.judge.default_prefixes,
                           scenario_.judge.refusal_prefixes,
                           set.metric,
                           set.answer_prefixes};
    job.settings = settings.dump(-1, ' ', false, json::error_handler_t::replace);
    job.output = tools_.options.output + "/cache/played-" + set.metric + "-" +
                 file_key(job).substr(0, kNameDigits) + ".jsonl";
    return job;
  }

  /// Different jobs have different files; the journal's header holds the full key.
  [[nodiscard]] static std::string file_key(const RolloutJob& job) {
    const RolloutOptions& options = job.options;
    const json key = {job.settings,
                      to_string(options.behaviour),
                      options.judge_every_turn,
                      options.n_together,
                      options.sampling.temperature,
                      options.sampling.seed,
                      options.sampling.n_max_token,
                      options.sampling.n_max_reasoning_token};
    Sha256 digest;
    digest.update(key.dump(-1, ' ', false, json::error_handler_t::replace));
    for (const std::string& path : job.inputs) {
      digest.update(sha256_file(path));
    }
    return digest.hex();
  }

  const Scenario& scenario_;
  const RolloutTools& tools_;
  ProgressEvent last_;
  Progress rolling_out_;
  Progress judging_;  ///< a judge's own reports would hide how far the rollouts are
  std::unique_ptr<Jury> judge_;
};

}  // namespace

GiveHost opened_once(const OpenHost& open) {
  auto host = std::make_shared<std::unique_ptr<Host>>();
  return [open, host]() -> Host& {
    if (*host == nullptr) {
      *host = open();
    }
    return **host;
  };
}

Dataset roll_out_sets(Dataset data, const Scenario& scenario, const RolloutTools& tools) {
  const auto& sets = scenario.sets;
  if (std::none_of(sets.begin(), sets.end(), [](const auto& set) { return set.needs_rollout; })) {
    return data;
  }
  ensure_directory(tools.options.output + "/cache");
  Dataset record;
  Scenario rollout = scenario;
  SetRollouts rollouts(scenario, tools);
  for (ScenarioSet& set : rollout.sets) {
    if (set.needs_rollout) {
      set.data = {rollouts.roll_out(set, record)};
      set.needs_rollout = false;
    }
  }
  data = load_dataset(rollout, tools.options.seed, tools.needs);
  data.skipped = std::move(record.skipped);
  data.labels = std::move(record.labels);
  data.warnings.insert(data.warnings.end(), record.warnings.begin(), record.warnings.end());
  return data;
}

}  // namespace mascing
