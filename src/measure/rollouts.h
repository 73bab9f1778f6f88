// Rolls out scripts and labels them, as in `mascing collect`. Progress is stored on disk and
// survives an interruption.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "mascing/host.h"
#include "mascing/progress.h"
#include "mascing/results.h"
#include "measure/shard.h"
#include "stage/rollout.h"

namespace mascing {

/// Scripts rolled out together. The last bits of a reply can depend on the rest of its batch, so an
/// interrupted group is repeated as a whole; entries already in the journal are kept.
inline constexpr int64_t kRolloutGroup = 64;

/// Gives the model; called when there is something to roll out.
using GiveHost = std::function<Host&()>;

struct RolloutJob {
  std::vector<std::string> inputs;  ///< JSONL files; ids must be unique across them
  std::string output;               ///< JSONL; the journal is written next to it
  std::string system_prompt;        ///< prepended to the system prompt of each script
  RolloutOptions options;
  int64_t n_group = kRolloutGroup;
  JobShard shard;
  std::vector<std::string> merge;   ///< shard outputs whose journals are combined
  std::string what = "collecting";  ///< stage in progress reports
  std::string settings;  ///< everything else the result depends on: judge, threads, host options
  bool keep_corrections = false;  ///< do not replace an output with rows the journal lacks
};

struct RolloutSummary {
  int64_t n_script = 0;  ///< number of scripts in this shard
  int64_t n_label_0 = 0;
  int64_t n_label_1 = 0;
  int64_t n_at_limit = 0;    ///< last replies cut off at the token limit
  int64_t n_cut = 0;         ///< conversations with an earlier assistant turn that was cut off
  int64_t n_with_cut = 0;    ///< one or the other
  int64_t n_unfinished = 0;  ///< failed, as a reply ended within the model's reasoning
  int64_t n_kept = 0;        ///< already in a journal
  int64_t n_changed = 0;     ///< different after an interrupted group was repeated
  std::vector<Skipped> failed;
};

[[nodiscard]] std::string journal_path(const std::string& output);
/// Folder for verdicts of costly judges.
[[nodiscard]] std::string verdicts_path(const std::string& output);

/// Rolls out missing conversations group by group and writes the output when all are done: the
/// labelled conversations in input order, with the same bytes regardless of interruptions.
/// Conversations without a verdict are repeated by the next call. Throws Error{kBadInput} for bad
/// inputs or a duplicate id, Error{kUsage} if the journal belongs to another job or corrected rows
/// would be lost (RolloutJob::keep_corrections), Error{kInsufficient} if no conversation could be
/// rolled out, Error{kInterrupted}.
RolloutSummary collect_rollouts(Host& host,
                                const RolloutJob& job,
                                const JudgeReplies& judge,
                                const Progress& progress);
/// The same with a model opened by `host`, which is not called if the journal is complete.
RolloutSummary collect_rollouts(const ModelInfo& info,
                                const GiveHost& host,
                                const RolloutJob& job,
                                const JudgeReplies& judge,
                                const Progress& progress);

}  // namespace mascing
