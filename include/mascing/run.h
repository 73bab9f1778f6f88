// The whole pipeline, from labelled conversations to a mask evaluated on held-out data.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "mascing/host.h"
#include "mascing/mask.h"
#include "mascing/model_info.h"
#include "mascing/progress.h"
#include "mascing/results.h"
#include "mascing/run_options.h"
#include "mascing/scenario.h"
#include "mascing/transcript.h"

namespace mascing {

struct RunOutcome {
  Results results;
  std::string failure;        ///< reason why no mask may be used, or empty
  bool was_finished = false;  ///< nothing changed since the last run, whose results were read
  std::vector<Transcript> transcripts = {};  ///< of the test split; not read of a finished run
};

/// Opens the model on demand. A run with nothing to do never loads it.
using OpenHost = std::function<std::unique_ptr<Host>()>;

/// Writes mask.gguf, results.json, transcripts.jsonl and report.html to the output folder, next to
/// labelled.jsonl, traces/, candidates/ and cache/. An interrupted run resumes; the results of a
/// finished one are read. `info` describes the model that `open_host` will open.
[[nodiscard]] RunOutcome run_scenario(const Scenario& scenario,
                                      const ModelInfo& info,
                                      const OpenHost& open_host,
                                      const RunOptions& options,
                                      const Progress& progress);

/// True if the folder holds what a run or a tested choice of a search found, not an evaluation.
[[nodiscard]] bool holds_run(const std::string& folder);

/// Results of a search on the selection split, for browsing.
struct SearchView {
  const Results& results;            ///< no metrics yet
  std::function<Mask(size_t)> mask;  ///< mask of a candidate, with its strength and provenance
  std::function<RunOutcome(size_t)>
      test;  ///< evaluates the candidate chosen by the user on the test split
  Host& host;
};
using Browse = std::function<void(const SearchView&)>;

/// The same up to selection, which is left to the user. `browse` receives the results and may test
/// one candidate, which writes the files of a run. The test split may be used for one candidate
/// only; a second one throws Error{kUsage}, also if the first was tested by an earlier run in this
/// folder. Always writes search.json and search.html (the results without the test).
void search_scenario(const Scenario& scenario,
                     const ModelInfo& info,
                     const OpenHost& open_host,
                     const RunOptions& options,
                     const Browse& browse,
                     const Progress& progress);

/// Evaluates an existing mask on the test split, base and steered. With `options.merge`, the shards
/// in these folders are combined, and the results equal those of a single machine.
[[nodiscard]] RunOutcome evaluate_mask(const Scenario& scenario,
                                       const Mask& mask,
                                       double alpha,
                                       Host& host,
                                       const RunOptions& options,
                                       const Progress& progress);

/// Runs the shard `options.shard` of that evaluation; writes cache/ and part.json for the merge.
void evaluate_shard(const Scenario& scenario,
                    const Mask& mask,
                    double alpha,
                    Host& host,
                    const RunOptions& options,
                    const Progress& progress);

}  // namespace mascing
