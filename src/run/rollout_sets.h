// Scripted sets of a scenario (`play = true`). The unsteered model writes the assistant turns
// before the run begins, as `mascing collect` does for a file.
#pragma once

#include <string>

#include "mascing/host.h"
#include "mascing/progress.h"
#include "mascing/run.h"
#include "mascing/scenario.h"
#include "measure/rollouts.h"
#include "scenario/dataset.h"

namespace mascing {

/// Opens the model at the first call.
[[nodiscard]] GiveHost opened_once(const OpenHost& open);

/// Settings of the rollouts.
struct RolloutTools {
  const ModelInfo& info;
  GiveHost host;  ///< called only if there is something to roll out
  const RunOptions& options;
  const Progress& progress;
  SplitNeeds needs = SplitNeeds::kAll;  ///< as for load_dataset
};

/// `data` as it was loaded from the scenario's files; where sets are scripts, the data again with
/// these rolled out: each conversation up to the user turn whose reply was the opposite of what is
/// wanted, or to its end. Rollouts stay in cache/ under the hash of everything they depend
/// on, with a journal: a second call rolls out nothing and needs neither host nor judges, and what
/// was interrupted goes on to the same bytes. Throws what collect_rollouts and load_dataset throw.
[[nodiscard]] Dataset roll_out_sets(Dataset data,
                                    const Scenario& scenario,
                                    const RolloutTools& tools);

}  // namespace mascing
