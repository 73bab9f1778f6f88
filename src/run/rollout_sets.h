// Sets of a scenario that are scripts (`play = true`), played by the unsteered model before a run
// looks at them: the same as `mascing collect` on their files.
#pragma once

#include <string>

#include "mascing/host.h"
#include "mascing/progress.h"
#include "mascing/scenario.h"
#include "measure/rollouts.h"
#include "run/run.h"
#include "scenario/dataset.h"

namespace mascing {

/// Opens the model at the first call.
[[nodiscard]] GiveHost opened_once(const OpenHost& open);

/// What scripts are played with.
struct PlayTools {
  const ModelInfo& info;
  GiveHost host;  ///< asked for if something is to be played
  const RunOptions& options;
  const Progress& progress;
};

/// `data` as it was loaded from the scenario's files; where sets are scripts, the data again with
/// these played: each conversation up to the user turn whose reply was the opposite of what is
/// wanted, or to its end. The played ones stay in cache/ under the hash of everything they depend
/// on, with a journal: a second call plays nothing and needs neither host nor judges, and what was
/// interrupted goes on to the same bytes. Throws what collect_conversations and load_dataset throw.
[[nodiscard]] Dataset play_sets(Dataset data, const Scenario& scenario, const PlayTools& tools);

}  // namespace mascing
