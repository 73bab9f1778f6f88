// Scripts in, labelled conversations out: the collection on disk that `mascing collect` makes, and
// goes on with after an interruption.
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

/// Scripts that are rolled out together. What shares a batch may change a reply's last bits, so a
/// group that was interrupted is rolled out again as a whole; what the journal has of it stands.
inline constexpr int64_t kRolloutGroup = 64;

/// Gives the model; called when there is something to roll out.
using GiveHost = std::function<Host&()>;

struct RolloutJob {
  std::vector<std::string> inputs;  ///< JSONL files; ids must differ among them as well
  std::string output;               ///< JSONL; the journal stands beside it
  std::string system_prompt;        ///< put before each script's own
  RolloutOptions options;
  int64_t n_group = kRolloutGroup;
  JobShard shard;
  std::vector<std::string> merge;   ///< outputs of shards whose journals are taken over
  std::string what = "collecting";  ///< the stage of progress reports
  std::string settings;  ///< all else that the result depends on: judge, threads, host options
};

struct RolloutSummary {
  int64_t n_script = 0;  ///< of this shard
  int64_t n_label_0 = 0;
  int64_t n_label_1 = 0;
  int64_t n_at_limit = 0;  ///< last replies cut off at the token limit
  int64_t n_kept = 0;      ///< were in a journal already
  int64_t n_changed = 0;   ///< came out differently when an interrupted group was rolled out again
  std::vector<Skipped> failed;
};

[[nodiscard]] std::string journal_path(const std::string& output);
/// Folder where verdicts of costly judges are kept.
[[nodiscard]] std::string verdicts_path(const std::string& output);

/// Rolls out what the journal does not have, group by group, and writes the output once all is
/// there: the labelled conversations in the order of the inputs, the same bytes however often it
/// was interrupted. What failed for want of a verdict is rolled out again by the next call. Throws
/// Error{kBadInput} for bad inputs or an id used twice, Error{kUsage} if the journal belongs to
/// another job, Error{kInsufficient} if no conversation could be rolled out, Error{kInterrupted}.
RolloutSummary collect_rollouts(Host& host,
                                const RolloutJob& job,
                                const JudgeReplies& judge,
                                const Progress& progress);
/// The same with a model that `host` opens; where the journal has all, it is never asked for.
RolloutSummary collect_rollouts(const ModelInfo& info,
                                const GiveHost& host,
                                const RolloutJob& job,
                                const JudgeReplies& judge,
                                const Progress& progress);

}  // namespace mascing
