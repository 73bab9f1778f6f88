// What a run's results say about its judges.
#pragma once

#include "judge/jury.h"
#include "mascing/results.h"

namespace mascing {

/// Fills in the members, and warns of failures and of judges that agree little.
void record_judges(const Jury& jury, Results& results);

}  // namespace mascing
