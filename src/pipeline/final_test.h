// The one look at the test split.
#pragma once

#include "mascing/results.h"
#include "mascing/scenario.h"
#include "pipeline/bench.h"
#include "pipeline/dataset.h"
#include "stage/coherence.h"

namespace mascing {

/// What the test is made with.
struct TestPlan {
  const Dataset& data;
  const Scenario& scenario;
  const RefusalJudge& judge;
  CoherenceLimit coherence;
  Steering steering;  ///< no mask: only the base is measured
};

struct TestVerdict {
  bool holds = true;             ///< no hold set lost more than its limit
  bool is_beyond_chance = true;  ///< the target's rate rose, and by more than chance would have it
};

/// Measures all sets, the general text and the multiple-choice questions without and with the mask,
/// and adds metrics, damage, skipped conversations and warnings to `results`.
TestVerdict measure_test_split(Bench& bench, const TestPlan& plan, Results& results);

}  // namespace mascing
