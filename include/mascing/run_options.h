// Options of a run.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "mascing/budget.h"
#include "mascing/candidate_result.h"
#include "mascing/job_shard.h"
#include "mascing/make_judge.h"
#include "mascing/protocol_result.h"
#include "mascing/template_options.h"

namespace mascing {

/// Called with all trials whenever one changes.
using WatchTrials = std::function<void(const std::vector<CandidateResult>&)>;

/// Asked before a run looks at the test split, with the candidate to be tested there. False ends
/// the run, which can be resumed.
using AgreesToTest = std::function<bool(const CandidateResult&)>;

/// Told where earlier results of other inputs were moved to.
using OnSetAside = std::function<void(const std::string& folder)>;

struct RunOptions {
  std::string output = {};  ///< output folder; created if missing
  uint64_t seed = 0;
  int64_t n_thread = 1;
  bool with_baselines = false;  ///< also evaluate the baselines
  std::string command = {};     ///< as typed, recorded in the results
  std::string method = {};      ///< override of the scenario's methods, as given by the user
  OpenJudgeModel open_judge_model = {};  ///< opens judges that are models
  Budget budget = {};                    ///< budget of the search, before the test split
  std::string budget_text = {};          ///< as given by the user
  WatchTrials watch_trials = {};         ///< may be empty
  AgreesToTest agrees_to_test = {};      ///< for run_scenario; empty: it goes on
  OnSetAside on_set_aside = {};          ///< may be empty
  JobShard shard = {};                   ///< for evaluate_shard
  std::vector<std::string> merge = {};   ///< for evaluate_mask: shard folders to combine
  TemplateOptions chat_template = {};    ///< that the model was opened with, for the record
  Attacks attacks = Attacks::kReplayed;  ///< for evaluate_mask
  std::string host_key = {};  ///< host options that can change a result (batch size, context)
};

}  // namespace mascing
