// Several runs side by side: rates of each, and how their masks differ on the same conversations.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "mascing/metric_result.h"
#include "mascing/results.h"
#include "mascing/transcript.h"

namespace mascing {

struct ComparedRun {
  std::string name;  ///< as the user calls it
  Results results;
  std::vector<Transcript> transcripts;  ///< none: nothing is paired
};

/// The mask of a run against that of the first, on conversations that both tested.
struct PairedDifference {
  size_t i_run = 0;  ///< from 1
  std::string metric;
  int64_t n = 0;                                ///< conversations with a verdict under both masks
  int64_t gained = 0;                           ///< wanted under this mask only
  int64_t lost = 0;                             ///< wanted under the first run's only
  double p_value = 1.0;                         ///< McNemar, exact, two-sided
  std::optional<double> p_holm = std::nullopt;  ///< corrected for all differences
  /// The same with topics as the cases; none where no topic has several conversations, or where
  /// the transcripts of both runs are of earlier versions, which do not name topics.
  std::optional<TopicResult> topics = std::nullopt;
};

/// By run, then by metric. Conversations are the same if set, id and messages are.
[[nodiscard]] std::vector<PairedDifference> paired_differences(
    const std::vector<ComparedRun>& runs);

enum class ComparisonForm {
  kHtml,      ///< a page like report.html
  kMarkdown,  ///< two tables
  kLatex,     ///< the same as tabular environments; needs booktabs
  kCsv,       ///< one row for each metric of each run
};

/// Same runs, same bytes. All external text is escaped for the form.
[[nodiscard]] std::string render_comparison(const std::vector<ComparedRun>& runs,
                                            ComparisonForm form);

}  // namespace mascing
