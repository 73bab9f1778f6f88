// From the conversations of a scenario to candidate masks and the choice among them; nothing of the
// test split is asked.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "mascing/mask.h"
#include "mascing/run.h"
#include "mascing/search_result.h"
#include "mascing/surrogate_result.h"
#include "mascing/warning.h"
#include "measure/eval_context.h"
#include "run/stage_meter.h"
#include "search/mask_search.h"
#include "search/select.h"

namespace mascing {

/// Traces of each benign set: their routing should stay.
inline constexpr size_t kPreserveRows = 150;

/// Masks that come from asking the model.
struct AskedMasks {
  std::vector<Candidate> candidates;
  EffectsResult effects;
  LoopResult loop;
  std::optional<LoopResult> adapter_loop;  ///< as in Results
  InterventionalSurrogateResult interventional;
  std::map<std::string, MarginResult> margins;  ///< metric -> how well its margin tells
  std::vector<Warning> warnings;
  std::vector<std::string> cut_short;  ///< what a spent budget ended, in words
};

struct FoundMasks {
  std::map<std::string, int64_t> labels;  ///< "discovery.dsr.label_1", ...: how the data divided
  std::vector<Skipped> skipped;
  PowerResult power;  ///< what the test split can show
  ConfoundResult confounds;
  std::vector<SurrogateResult> surrogates;
  AskedMasks asked;                   ///< its candidates are the first of `candidates`
  std::vector<Candidate> candidates;  ///< all of them
  Selection selection;
  std::vector<std::string> conversations;  ///< hashes of all that were looked at
  SearchResult search;                     ///< as long as nobody has chosen
  std::vector<Warning> warnings;           ///< of all steps, in their order

  /// The mask of a trial, at its strength, with what the selection split said of it.
  [[nodiscard]] Mask mask(size_t i_trial) const;
};

/// Labels the discovery split, traces it, makes masks and tries them on the selection split. Leaves
/// the labelled conversations, traces, surrogates and masks in the output folder.
[[nodiscard]] FoundMasks find_masks(const EvalContext& context,
                                    const RunOptions& options,
                                    StageMeter& meter);

}  // namespace mascing
