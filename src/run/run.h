// The whole pipeline: labelled conversations in, a mask and an honest result out.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "mascing/host.h"
#include "mascing/mask.h"
#include "mascing/progress.h"
#include "mascing/results.h"
#include "mascing/scenario.h"
#include "measure/budget.h"
#include "measure/make_judge.h"
#include "measure/shard.h"

namespace mascing {

/// Called with all trials whenever one has changed.
using WatchTrials = std::function<void(const std::vector<CandidateResult>&)>;

struct RunOptions {
  std::string output;  ///< folder, created
  uint64_t seed = 0;
  int64_t n_thread = 1;
  bool with_baselines = false;  ///< also measure what the chosen mask has to beat
  std::string command;          ///< for the record; without paths that change the result
  std::string method;           ///< what replaced the methods of the scenario, as the user said it
  OpenJudgeModel open_judge_model = {};  ///< for judges that are models
  Budget budget = {};                    ///< of the search, up to the test split
  std::string budget_text;               ///< as the user gave it
  WatchTrials watch_trials = {};         ///< may be empty
  JobShard shard = {};                   ///< of evaluate_shard
  std::vector<std::string> merge = {};   ///< of evaluate_mask: folders of shards to be taken over
  std::string host_key;  ///< of host options that can change a number (batch size, context)
};

struct RunOutcome {
  Results results;
  std::string failure;        ///< empty, or why no mask may be used
  bool was_finished = false;  ///< nothing had changed since the last run; results were read
};

/// Opens the model when it is needed: a run with nothing to do never loads it.
using OpenHost = std::function<std::unique_ptr<Host>()>;

/// Leaves mask.gguf, results.json and report.html in the output folder, beside labelled.jsonl,
/// traces/, candidates/ and cache/. Interrupted runs go on where they were; a finished one is only
/// read. `info` describes the model that `open_host` will open.
[[nodiscard]] RunOutcome run_scenario(const Scenario& scenario,
                                      const ModelInfo& info,
                                      const OpenHost& open_host,
                                      const RunOptions& options,
                                      const Progress& progress);

/// What a search found on the selection split, to be looked through.
struct SearchView {
  const Results& results;                  ///< no metrics yet
  std::function<Mask(size_t)> mask;        ///< of a candidate, with its strength and provenance
  std::function<RunOutcome(size_t)> test;  ///< a candidate on the test split, as the user's choice
  Host& host;
};
using Browse = std::function<void(const SearchView&)>;

/// The same up to the choice, which is the user's: `browse` is shown what was found and may test
/// one candidate. That leaves the files of a run. The test split is looked at for one candidate
/// only: another one throws Error{kUsage}, also if an earlier run in this folder took the look.
/// Leaves search.json and search.html (the results without the test) in any case.
void search_scenario(const Scenario& scenario,
                     const ModelInfo& info,
                     const OpenHost& open_host,
                     const RunOptions& options,
                     const Browse& browse,
                     const Progress& progress);

/// The test split alone, for a mask that is there: base and steered. With `options.merge`, what the
/// shards in these folders asked is taken over, and the results are those of one machine.
[[nodiscard]] RunOutcome evaluate_mask(const Scenario& scenario,
                                       const Mask& mask,
                                       double alpha,
                                       Host& host,
                                       const RunOptions& options,
                                       const Progress& progress);

/// Asks the part `options.shard` of that, for somebody to merge; leaves cache/ and part.json.
void evaluate_shard(const Scenario& scenario,
                    const Mask& mask,
                    double alpha,
                    Host& host,
                    const RunOptions& options,
                    const Progress& progress);

}  // namespace mascing
