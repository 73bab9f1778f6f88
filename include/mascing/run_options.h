// How a run is done.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "mascing/budget.h"
#include "mascing/candidate_result.h"
#include "mascing/job_shard.h"
#include "mascing/make_judge.h"

namespace mascing {

/// Called with all trials whenever one has changed.
using WatchTrials = std::function<void(const std::vector<CandidateResult>&)>;

struct RunOptions {
  std::string output = {};  ///< folder, created
  uint64_t seed = 0;
  int64_t n_thread = 1;
  bool with_baselines = false;  ///< also measure what the chosen mask has to beat
  std::string command = {};     ///< for the record; without paths that change the result
  std::string method = {};      ///< what replaced the methods of the scenario, as the user said it
  OpenJudgeModel open_judge_model = {};  ///< for judges that are models
  Budget budget = {};                    ///< of the search, up to the test split
  std::string budget_text = {};          ///< as the user gave it
  WatchTrials watch_trials = {};         ///< may be empty
  JobShard shard = {};                   ///< of evaluate_shard
  std::vector<std::string> merge = {};   ///< of evaluate_mask: folders of shards to be taken over
  std::string host_key = {};  ///< of host options that can change a number (batch size, context)
};

}  // namespace mascing
