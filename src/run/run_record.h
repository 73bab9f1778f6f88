// Output files of a run: results, report page, mask, and the stamp that marks a finished run.
// Measurements are stored elsewhere.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "mascing/mask.h"
#include "mascing/results.h"
#include "mascing/run.h"
#include "mascing/scenario.h"
#include "scenario/dataset.h"

namespace mascing {

/// As measure/cache.h has it, of a run.
[[nodiscard]] std::string context_key(const ModelInfo& info, const RunOptions& options);
/// Everything the outcome of a run depends on.
[[nodiscard]] std::string run_key(const Scenario& scenario,
                                  const Dataset& data,
                                  const ModelInfo& info,
                                  const RunOptions& options);

/// Results with scenario, model and options, before any measurement.
[[nodiscard]] Results start_results(const Scenario& scenario,
                                    const ModelInfo& info,
                                    const RunOptions& options);

/// The metrics of a test into the mask: "test.dsr.rate", ...
void add_metrics(const std::map<std::string, MetricResult>& metrics, Mask& mask);
/// What the selection split said of a candidate, likewise: "selection.dsr.rate", and
/// "selection.dsr.estimate" where replies were not generated.
void add_selection(const CandidateResult& candidate, Mask& mask);

/// The outcome of a finished run with the same key, or nothing, also if judges failed in it. A
/// missing report is rendered again.
/// Throws Error{kUsage} if a user chose the mask in the menu of a search.
[[nodiscard]] std::optional<RunOutcome> read_finished(const std::string& key,
                                                      const RunOptions& options);

/// Writes transcripts.jsonl, report.html and results.json. The page is rendered from what the files
/// say, so `mascing report` renders the same page.
void write_results(const RunOutcome& outcome, const std::string& folder);

/// The same, plus the stamp. Where no mask was found, one of an earlier run is removed.
void write_outputs(const RunOutcome& outcome, const std::string& key, const RunOptions& options);

/// Writes search.json and search.html, the results without a test.
void write_search(const Results& results, const std::string& folder);

/// Whose results a folder holds, or shall hold. An evaluation has no mask of its own: one that
/// stands there is the user's.
enum class ResultKind { kRun, kEvaluation };

/// Makes room for results of this key: those of a finished run or evaluation with another key, and
/// a mask that no stamp belongs to, go into a folder of their own, earlier-1 and so on. Those of
/// the same key stay until others are written over them. Throws Error{kSystem}.
void set_aside(const std::string& key, ResultKind kind, const RunOptions& options);

/// The stamp of an evaluation, so that what it wrote is not lost either.
void write_evaluation(const RunOutcome& outcome, const std::string& key, const RunOptions& options);

}  // namespace mascing
