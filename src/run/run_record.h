// What a run writes beside its measurements: results, page, mask, and the stamp by which a finished
// run is known.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "mascing/conversation.h"
#include "mascing/mask.h"
#include "mascing/results.h"
#include "mascing/run.h"
#include "mascing/scenario.h"
#include "measure/cached_evaluator.h"
#include "scenario/dataset.h"
#include "search/select.h"

namespace mascing {

/// Wall time of the steps, by name.
class Stopwatch {
 public:
  explicit Stopwatch(std::map<std::string, double>& seconds) : seconds_(seconds) {}

  void lap(const std::string& step) {
    const auto now = std::chrono::steady_clock::now();
    seconds_[step] += std::chrono::duration<double>(now - last_).count();
    last_ = now;
  }

 private:
  std::map<std::string, double>& seconds_;
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

/// Everything but the question that a measurement depends on: version, model, options.
[[nodiscard]] std::string context_key(const ModelInfo& info, const RunOptions& options);
/// Everything that the outcome of a run depends on.
[[nodiscard]] std::string run_key(const Scenario& scenario,
                                  const Dataset& data,
                                  const ModelInfo& info,
                                  const RunOptions& options);

/// Scenario, model and options, nothing measured yet.
[[nodiscard]] Results start_results(const Scenario& scenario,
                                    const ModelInfo& info,
                                    const RunOptions& options);

[[nodiscard]] std::string rows_to_jsonl(const std::vector<Conversation>& rows);

/// The mask into the results; `file` is empty if it was not written.
void add_mask(const Mask& mask, const std::string& file, Results& results);

/// The metrics of the results into the mask: "test.dsr.rate", ...
void add_metrics(const Results& results, Mask& mask);
/// What the selection split said of a candidate, likewise: "selection.dsr.rate", and
/// "selection.dsr.estimate" where replies were not generated.
void add_selection(const CandidateResult& candidate, Mask& mask);

/// Who searched, and what was written before that.
struct SearchWork {
  const CachedEvaluator& evaluator;
  const Scenario& scenario;
  const RunOptions& options;
  int64_t n_label_token = 0;  ///< when the discovery split was labelled
};
/// What the search cost, and what its budget left out.
void record_search(const Selection& selection, const SearchWork& work, Results& results);

/// The outcome of a finished run with the same key, or nothing.
[[nodiscard]] std::optional<RunOutcome> read_finished(const std::string& key,
                                                      const RunOptions& options);

/// Leaves report.html and results.json. The page is drawn from what was written, so that `mascing
/// report` draws the same.
void write_results(const Results& results, const std::string& folder);

/// The same and the stamp.
void write_outputs(const RunOutcome& outcome, const std::string& key, const RunOptions& options);

/// Leaves search.json and search.html: results without a test.
void write_search(const Results& results, const std::string& folder);

/// Whose mask has looked at the test split, kept in a folder: a second look would be a choice made
/// on it.
class HoldoutRecord {
 public:
  /// `data`: stands for the conversations and the model.
  HoldoutRecord(std::string folder, std::string data);
  /// Throws Error{kUsage} if another mask or strength has looked.
  void require_first(const Mask& mask) const;
  /// Whatever was there before.
  void take(const std::vector<float>& steer, double alpha) const;

 private:
  std::string path_;
  std::string data_;
};

}  // namespace mascing
