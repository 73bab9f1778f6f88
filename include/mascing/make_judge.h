// Makes the judges named in a scenario or on a command line.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "mascing/host.h"
#include "mascing/judge.h"
#include "mascing/judge_options.h"
#include "mascing/progress.h"

namespace mascing {

/// Opens a judge's GGUF file, which may be a dense model.
using OpenJudgeModel = std::function<std::unique_ptr<Host>(const std::string& path)>;

/// Resources for the judges.
struct JudgeTools {
  OpenJudgeModel open_model = {};  ///< empty = a judge that needs it throws Error{kUsage}
  std::string cache_folder = {};   ///< folder for verdicts of costly judges; empty = not stored
  Progress progress = {};          ///< receives progress of costly judges
};

/// Combines the built-in judge, unless disabled, with the additional judges; a verdict requires
/// all to agree. Loads models. The caller must call self_test().
[[nodiscard]] std::unique_ptr<Judge> make_judge(const JudgeOptions& options,
                                                const JudgeTools& tools = {});

/// Applies one value of --judge to the options: `phrases`, `refusal` (the prefixes), a .gguf file,
/// an http(s) URL, `command:...` (run by the shell) or `answers:FILE`. Throws Error{kUsage} for
/// anything else.
void add_judge(const std::string& word, JudgeOptions& options);

}  // namespace mascing
