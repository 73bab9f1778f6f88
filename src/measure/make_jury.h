// Makes the judges of a scenario as a jury, which reports the verdicts of its members.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "judge/jury.h"
#include "mascing/make_judge.h"
#include "mascing/scenario.h"

namespace mascing {

/// Like make_judge. A model without its own prompt, which answers `safe` or `unsafe`, only judges
/// those of `sets` that should be refused, unless its spec names others, because it would call all
/// ordinary requests safe.
[[nodiscard]] std::unique_ptr<Jury> make_jury(const JudgeOptions& options,
                                              const std::vector<ScenarioSet>& sets,
                                              const JudgeTools& tools);

/// Hash of everything the additional judges depend on, including the content of files; empty if
/// there are none. Loads nothing.
[[nodiscard]] std::string judges_key(const JudgeOptions& options);

}  // namespace mascing
