// A run in the log formats of two evaluation tools, so that their viewers can read it.
#pragma once

#include <string>
#include <vector>

#include "mascing/results.h"
#include "mascing/transcript.h"

namespace mascing {

/// A log of Inspect (inspect_ai, UK AI Security Institute) in its JSON form, version 2: one sample
/// for each conversation of the test split, with the reply under the mask, or without one where no
/// mask was tested, and its score; the rates of results.json as metrics. Without transcripts it has
/// no samples. Same run, same bytes.
[[nodiscard]] std::string to_inspect_log(const Results& results,
                                         const std::vector<Transcript>& transcripts);

/// Results as lm-evaluation-harness writes them: one task for each metric, once without and once
/// with the mask. Same run, same bytes.
[[nodiscard]] std::string to_lm_eval_results(const Results& results);

}  // namespace mascing
