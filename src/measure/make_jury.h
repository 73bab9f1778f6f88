// The judges of a scenario as a jury, whose members can be told apart.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "judge/jury.h"
#include "mascing/make_judge.h"
#include "mascing/scenario.h"

namespace mascing {

/// As make_judge. A model without a prompt of its own, which says `safe` and `unsafe`, is asked
/// about those of `sets` alone that should be refused, unless its spec names others: of ordinary
/// requests it could only say that they are safe.
[[nodiscard]] std::unique_ptr<Jury> make_jury(const JudgeOptions& options,
                                              const std::vector<ScenarioSet>& sets,
                                              const JudgeTools& tools);

/// Hash of everything the judges beside the prefixes depend on, the content of files included;
/// empty if there are none. Loads nothing.
[[nodiscard]] std::string judges_key(const JudgeOptions& options);

}  // namespace mascing
