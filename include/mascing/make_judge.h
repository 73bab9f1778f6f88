// Judges from what a scenario or a command line says about them.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "mascing/host.h"
#include "mascing/judge.h"
#include "mascing/judge_options.h"
#include "mascing/progress.h"

namespace mascing {

/// Opens a judge's GGUF file; dense models are fine.
using OpenJudgeModel = std::function<std::unique_ptr<Host>(const std::string& path)>;

/// What judges work with.
struct JudgeTools {
  OpenJudgeModel open_model = {};  ///< empty: a judge that needs it is an Error{kUsage}
  std::string cache_folder = {};   ///< verdicts of costly judges are kept here; empty: nowhere
  Progress progress = {};          ///< told about costly judges at work
};

/// The refusal prefixes, unless the options leave them out, and the judges beside them, as one: a
/// verdict stands where all agree. Loads models; self_test() remains to be called.
[[nodiscard]] std::unique_ptr<Judge> make_judge(const JudgeOptions& options,
                                                const JudgeTools& tools = {});

/// One word of the command line: `refusal`, a .gguf file, an http(s) address, `command:...` (for
/// the shell), or `answers:FILE` as a change of the options. Throws Error{kUsage} for anything
/// else.
void add_judge(const std::string& word, JudgeOptions& options);

}  // namespace mascing
