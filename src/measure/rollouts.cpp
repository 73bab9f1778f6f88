// Groups are fixed by the inputs: a shard is a run of whole groups, so that all shards together
// give the bytes of one collection.
#include "measure/rollouts.h"

#include <algorithm>
#include <set>

#include <nlohmann/json.hpp>

#include "base/files.h"
#include "base/sha256.h"
#include "mascing/conversation_file.h"
#include "mascing/error.h"
#include "mascing/version.h"
#include "measure/cached_evaluator.h"
#include "measure/rollout_journal.h"
#include "scenario/system_prompt.h"

namespace mascing {
namespace {

using nlohmann::json;

std::vector<Conversation> read_scripts(const RolloutJob& job) {
  std::vector<Conversation> scripts;
  std::set<std::string> ids;
  for (const std::string& path : job.inputs) {
    for (Conversation& row : read_conversations(path)) {
      if (!ids.insert(row.id).second) {
        throw Error(ErrorKind::kBadInput,
                    "[collect] id '" + row.id + "' stands in two of the files",
                    "ids must be unique: is a file named twice?");
      }
      scripts.push_back(with_system_prompt(std::move(row), job.system_prompt));
    }
  }
  return scripts;
}

/// First line of the journal: who made the collection, from what, and the hash of it all.
std::string header_of(const RolloutJob& job,
                      const ModelInfo& info,
                      const std::vector<Conversation>& scripts) {
  Sha256 digest;
  for (const Conversation& script : scripts) {
    digest.update(to_jsonl(script) + "\n");
  }
  const RolloutOptions& options = job.options;
  json header = {{"kind", "mascing.collect"},
                 {"version", version()},
                 {"model", info.name},
                 {"identity", info.identity},
                 {"scripts", digest.hex()},
                 {"n_script", scripts.size()},
                 {"group", job.n_group},
                 {"steering", steering_key(options.steering)},
                 {"behaviour", to_string(options.behaviour)},
                 {"judge_every_turn", options.judge_every_turn},
                 {"keep_replies", options.keep_replies},
                 {"attempts", options.n_attempt},
                 {"history", options.n_history},
                 {"together", options.n_together},
                 {"temperature", options.sampling.temperature},
                 {"seed", options.sampling.seed},
                 {"max_tokens", options.sampling.n_max_token},
                 {"settings", job.settings}};
  const auto replace = json::error_handler_t::replace;
  header["key"] = sha256_hex(header.dump(-1, ' ', false, replace));
  return header.dump(-1, ' ', false, replace);
}

class RolloutRun {
 public:
  RolloutRun(const ModelInfo& info,
             const GiveHost& host,
             const RolloutJob& job,
             const JudgeReplies& judge,
             const Progress& progress)
      : host_(host),
        job_(job),
        judge_(judge),
        progress_(progress),
        scripts_(read_scripts(job)),
        range_(script_range()),
        journal_(journal_path(job.output),
                 header_of(job, info, scripts_),
                 static_cast<int64_t>(scripts_.size())) {
    for (const std::string& part : job.merge) {
      journal_.take_from(journal_path(part));
    }
  }

  RolloutSummary run() {
    summary_.n_script = range_.end - range_.begin;
    for (int64_t i = range_.begin; i < range_.end; ++i) {
      summary_.n_kept += journal_.has(i) ? 1 : 0;
    }
    n_done_ = summary_.n_kept;
    tell();
    for (int64_t begin = range_.begin; begin < range_.end; begin += job_.n_group) {
      roll_out_group(begin, std::min(begin + job_.n_group, range_.end));
    }
    write();
    return std::move(summary_);
  }

 private:
  [[nodiscard]] ShardRange script_range() const {
    const auto n_script = static_cast<int64_t>(scripts_.size());
    const int64_t n_group = (n_script + job_.n_group - 1) / job_.n_group;
    const ShardRange groups =
        blocks_of(job_.shard,
                  n_group,
                  "groups of " + std::to_string(job_.n_group) + " conversations (--group)");
    return {groups.begin * job_.n_group, std::min(groups.end * job_.n_group, n_script)};
  }

  void tell() const {
    report(progress_, {job_.what, n_done_, summary_.n_script, "conversations", ""});
  }

  void roll_out_group(int64_t begin, int64_t end) {
    bool is_whole = true;
    for (int64_t i = begin; i < end; ++i) {
      is_whole = is_whole && journal_.has(i);
    }
    if (is_whole) {
      return;
    }
    const std::vector<Conversation> group(scripts_.begin() + begin, scripts_.begin() + end);
    const JudgeReplies judge = [&](const std::vector<RolloutReply>& replies) {
      tell();  // a wish to stop is heard at every turn
      return judge_(replies);
    };
    run_rollouts(host_(), group, judge, job_.options, [&](const Rollout& rollout) {
      const int64_t i = begin + rollout.i_script;
      n_done_ += journal_.has(i) ? 0 : 1;
      summary_.n_changed += journal_.add(i, rollout) ? 0 : 1;
      tell();
    });
    journal_.sync();
  }

  void write() {
    AtomicFile file(job_.output);
    for (int64_t i = range_.begin; i < range_.end; ++i) {
      const RolloutJournal::Record record = journal_.record(i);
      if (record.row.empty()) {
        summary_.failed.push_back(record.failure);
        continue;
      }
      ++(record.label == 1 ? summary_.n_label_1 : summary_.n_label_0);
      summary_.n_at_limit += record.hit_limit ? 1 : 0;
      file.write(record.row + '\n');
    }
    if (static_cast<int64_t>(summary_.failed.size()) == summary_.n_script) {
      throw Error(
          ErrorKind::kInsufficient,
          "[collect] none of " + std::to_string(summary_.n_script) +
              " conversations could be played; the first: " + summary_.failed.front().reason,
          "conversations need a user message and must fit the context (--context)");
    }
    file.commit();
  }

  const GiveHost& host_;
  const RolloutJob& job_;
  const JudgeReplies& judge_;
  const Progress& progress_;
  std::vector<Conversation> scripts_;
  ShardRange range_;
  RolloutJournal journal_;
  RolloutSummary summary_;
  int64_t n_done_ = 0;
};

}  // namespace

std::string journal_path(const std::string& output) {
  return output + ".journal";
}

std::string verdicts_path(const std::string& output) {
  return output + ".verdicts";
}

RolloutSummary collect_rollouts(Host& host,
                                const RolloutJob& job,
                                const JudgeReplies& judge,
                                const Progress& progress) {
  const GiveHost give = [&host]() -> Host& { return host; };
  return collect_rollouts(host.describe(), give, job, judge, progress);
}

RolloutSummary collect_rollouts(const ModelInfo& info,
                                const GiveHost& host,
                                const RolloutJob& job,
                                const JudgeReplies& judge,
                                const Progress& progress) {
  { const AtomicFile probe(job.output); }  // fails now rather than after hours
  return RolloutRun(info, host, job, judge, progress).run();
}

}  // namespace mascing
