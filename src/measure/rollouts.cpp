// Groups are determined by the inputs. A shard is a range of whole groups, so that all shards
// together give the same bytes as a single collection.
#include "measure/rollouts.h"

#include <algorithm>
#include <set>
#include <sstream>

#include <nlohmann/json.hpp>

#include "base/files.h"
#include "base/sha256.h"
#include "mascing/conversation_file.h"
#include "mascing/error.h"
#include "mascing/version.h"
#include "measure/cached_evaluator.h"
#include "measure/call_guard.h"
#include "measure/rollout_journal.h"
#include "scenario/system_prompt.h"

namespace mascing {
namespace {

using nlohmann::json;

constexpr const char* kReasonLess =
    "raise the limit on reasoning tokens, or use --reasoning off or skip";

std::vector<Conversation> read_scripts(const RolloutJob& job) {
  std::vector<Conversation> scripts;
  std::set<std::string> ids;
  for (const std::string& path : job.inputs) {
    for (Conversation& row : read_conversations(path)) {
      if (!ids.insert(row.id).second) {
        throw Error(ErrorKind::kBadInput,
                    "[collect] id '" + row.id + "' occurs twice in the input files",
                    "ids must be unique; check whether a file is listed twice");
      }
      row.script.clear();  // what is asked is what stands there now
      row.script = conversation_hash(row);
      scripts.push_back(with_system_prompt(std::move(row), job.system_prompt));
    }
  }
  return scripts;
}

/// First line of the journal: tool, inputs and options of the collection, and their hash.
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
                 {"max_reasoning_tokens", options.sampling.n_max_reasoning_token},
                 {"settings", job.settings}};
  const auto replace = json::error_handler_t::replace;
  header["key"] = sha256_hex(header.dump(-1, ' ', false, replace));
  return header.dump(-1, ' ', false, replace);
}

/// The scripts of the job's shard: whole groups.
ShardRange script_range(const RolloutJob& job, int64_t n_script) {
  const int64_t n_group = (n_script + job.n_group - 1) / job.n_group;
  const ShardRange groups = blocks_of(
      job.shard, n_group, "groups of " + std::to_string(job.n_group) + " conversations (--group)");
  return {groups.begin * job.n_group, std::min(groups.end * job.n_group, n_script)};
}

/// A collection on its way: what is rolled out, and what the journal has of it.
struct Collection {
  Collection(const ModelInfo& info, const RolloutJob& job_in, const Progress& progress_in)
      : job(job_in),
        progress(progress_in),
        scripts(read_scripts(job)),
        range(script_range(job, std::ssize(scripts))),
        journal(journal_path(job.output), header_of(job, info, scripts), std::ssize(scripts)) {
    for (const std::string& part : job.merge) {
      journal.take_from(journal_path(part));
    }
    for (int64_t i = range.begin; i < range.end; ++i) {
      n_done += journal.has(i) ? 1 : 0;
    }
  }

  [[nodiscard]] bool has_all(int64_t begin, int64_t end) const {
    bool is_whole = true;
    for (int64_t i = begin; i < end; ++i) {
      is_whole = is_whole && journal.has(i);
    }
    return is_whole;
  }
  [[nodiscard]] ProgressEvent event(const std::string& note) const {
    return {job.what, n_done, range.end - range.begin, "conversations", note};
  }
  void tell() const { report(progress, event("")); }

  const RolloutJob& job;
  const Progress& progress;
  std::vector<Conversation> scripts;
  ShardRange range;
  RolloutJournal journal;
  int64_t n_done = 0;
};

/// Adds the scripts [begin, end) to the journal. Returns how many of them were there already and
/// came out differently.
int64_t roll_out_group(
    Collection& collection, Host& host, const JudgeReplies& judge, int64_t begin, int64_t end) {
  RolloutJournal& journal = collection.journal;
  const auto first = collection.scripts.begin();
  const std::vector<Conversation> group(first + begin, first + end);
  const JudgeReplies stoppable = [&](const std::vector<RolloutReply>& replies) {
    collection.tell();  // a wish to stop is heard at every turn
    return judge(replies);
  };
  int64_t n_changed = 0;
  CallGuard guard(host, {}, [&](const std::string& note) {
    return !collection.progress || collection.progress(collection.event(note));
  });
  guard.run([&] {
    run_rollouts(host, group, stoppable, collection.job.options, [&](const Rollout& rollout) {
      const int64_t i = begin + rollout.i_script;
      collection.n_done += journal.has(i) ? 0 : 1;
      n_changed += journal.add(i, rollout) ? 0 : 1;
      collection.tell();
    });
  });
  journal.sync();
  return n_changed;
}

/// Refuses to go on where the output has rows that the journal lacks, as if corrected by hand.
void refuse_other_rows(const Collection& collection) {
  const std::string& path = collection.job.output;
  if (collection.n_done == 0 || !file_exists(path)) {
    return;
  }
  std::set<std::string> collected;
  for (int64_t i = 0; i < std::ssize(collection.scripts); ++i) {
    if (collection.journal.has(i)) {
      collected.insert(sha256_hex(collection.journal.record(i).row));
    }
  }
  std::istringstream lines(read_text_file(path));
  int64_t n_other = 0;
  for (std::string line; std::getline(lines, line);) {
    n_other += collected.contains(sha256_hex(line)) ? 0 : 1;
  }
  if (n_other > 0) {
    throw Error(ErrorKind::kUsage,
                "[collect] '" + path + "' has rows that are not as they were collected (" +
                    std::to_string(n_other) + "); corrections would be lost",
                "move the file away, or set another output with -o");
  }
}

/// Writes the output once the journal has all, and counts what it holds.
RolloutSummary write_output(const Collection& collection) {
  const ShardRange& range = collection.range;
  AtomicFile file(collection.job.output);
  RolloutSummary summary;
  summary.n_script = range.end - range.begin;
  for (int64_t i = range.begin; i < range.end; ++i) {
    const RolloutJournal::Record record = collection.journal.record(i);
    if (record.row.empty()) {
      summary.failed.push_back(record.failure);
      summary.n_unfinished += record.is_unfinished ? 1 : 0;
      continue;
    }
    ++(record.label == 1 ? summary.n_label_1 : summary.n_label_0);
    summary.n_at_limit += record.hit_limit ? 1 : 0;
    summary.n_cut += record.has_cut_turn ? 1 : 0;
    summary.n_with_cut += record.hit_limit || record.has_cut_turn ? 1 : 0;
    file.write(record.row + '\n');
  }
  if (std::ssize(summary.failed) == summary.n_script) {
    throw Error(
        ErrorKind::kInsufficient,
        "[collect] none of " + std::to_string(summary.n_script) +
            " conversations could be run; the first error: " + summary.failed.front().reason,
        2 * summary.n_unfinished > summary.n_script
            ? kReasonLess
            : "conversations need a user message and must fit the context (--context)");
  }
  file.commit();
  return summary;
}

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
  Collection collection(info, job, progress);
  const int64_t n_kept = collection.n_done;
  if (job.keep_corrections) {
    refuse_other_rows(collection);
  }
  collection.tell();
  int64_t n_changed = 0;
  for (int64_t begin = collection.range.begin; begin < collection.range.end; begin += job.n_group) {
    const int64_t end = std::min(begin + job.n_group, collection.range.end);
    if (!collection.has_all(begin, end)) {
      n_changed += roll_out_group(collection, host(), judge, begin, end);
    }
  }
  RolloutSummary summary = write_output(collection);
  summary.n_kept = n_kept;
  summary.n_changed = n_changed;
  return summary;
}

}  // namespace mascing
