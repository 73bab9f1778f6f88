// One closed loop on the model's answers, from a first mask to a result.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "mascing/mask.h"
#include "mascing/search_result.h"
#include "measure/eval_context.h"
#include "search/objectives.h"
#include "stage/entry_costs.h"
#include "stage/perturbation.h"

namespace mascing {

/// Where a loop goes: over the free values of a mask, S or the `up` of an adapter.
struct LoopTask {
  const Mask& zero;   ///< that the values' costs are measured at; all zero
  const Mask& first;  ///< that the loop starts from
  FreeEntries entries;
  bool is_exact = false;  ///< on exact gradients, else on random pairs
};

struct LoopRun {
  Mask mask;
  std::optional<Mask> looked = {};  ///< as ClosedLoopResult::looked
  LoopResult summary;
  bool is_cut = false;  ///< by the budget
};

/// Steps of a loop between two looks at replies; 0: it never looks.
[[nodiscard]] int64_t steps_between_looks(const SearchOptions& search, bool has_adapter);

/// In steps that cost alike in every value; of exact gradients also which experts cause the change.
[[nodiscard]] LoopRun run_loop(const EvalContext& context,
                               const Objectives& objectives,
                               const LoopTask& task,
                               uint64_t seed);

/// Derivatives of answers to questions about any sets, cached under `what`.
[[nodiscard]] AskGradientsOf asking_gradients(CachedEvaluator& evaluator, const std::string& what);

}  // namespace mascing
