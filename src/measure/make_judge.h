// From what a scenario says about judges to the judges.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "judge/jury.h"
#include "mascing/host.h"
#include "mascing/judge_options.h"
#include "mascing/progress.h"
#include "mascing/scenario.h"

namespace mascing {

/// Opens a judge's GGUF file; dense models are fine.
using OpenJudgeModel = std::function<std::unique_ptr<Host>(const std::string& path)>;

/// What judges work with.
struct JudgeTools {
  OpenJudgeModel open_model;  ///< empty: a judge that needs it is an Error{kUsage}
  std::string cache_folder;   ///< verdicts of costly judges are kept here; empty: nowhere
  const Progress& progress;   ///< must outlive the judges
};

/// The refusal prefixes, unless the options leave them out, and the judges beside them. A model
/// without a prompt of its own, which says `safe` and `unsafe`, is asked about those of `sets`
/// alone that should be refused, unless its spec names others: of ordinary requests it could only
/// say that they are safe. Loads models; self_test() remains to be called.
[[nodiscard]] std::unique_ptr<Jury> make_judge(const JudgeOptions& options,
                                               const std::vector<ScenarioSet>& sets,
                                               const JudgeTools& tools);

/// Hash of everything the judges beside the prefixes depend on, the content of files included;
/// empty if there are none. Loads nothing.
[[nodiscard]] std::string judges_key(const JudgeOptions& options);

/// One word of the command line: `refusal`, a .gguf file, an http(s) address, `command:...` (for
/// the shell), or `answers:FILE` as a change of the options. Throws Error{kUsage} for anything
/// else.
void add_judge(const std::string& word, JudgeOptions& options);

}  // namespace mascing
