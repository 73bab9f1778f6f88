// The whole pipeline: labelled conversations in, a mask and an honest result out.
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

namespace mascing {

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
