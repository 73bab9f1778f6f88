// Records the judges of a run in its results.
#pragma once

#include <vector>

#include "judge/jury.h"
#include "mascing/judges_result.h"
#include "mascing/warning.h"

namespace mascing {

/// Who judged, and how much.
[[nodiscard]] std::vector<JudgeResult> judge_results(const Jury& jury);

/// Of judges that failed, and of judges that agree little.
[[nodiscard]] std::vector<Warning> judge_warnings(const JudgesResult& judges);

}  // namespace mascing
