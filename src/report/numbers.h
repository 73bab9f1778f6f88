// Formatting of numbers and metric names, shared by the report and the terminal table.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/metric_names.h"
#include "mascing/results.h"

namespace mascing {

/// One metric and its id.
struct NamedMetric {
  std::string id;
  const MetricResult* result = nullptr;  ///< points into the Results
};

/// The metrics in display order: the headline metric, then the well-known ids, then others by
/// name.
[[nodiscard]] std::vector<NamedMetric> ordered_metrics(const Results& results);

/// "dsr" -> "DSR (defence success rate)", for the first use in an output; others as display_name.
[[nodiscard]] std::string full_name(const std::string& id);

// Rates are shown in percent with one decimal, wherever they stand: two decimals of a share would
// hide on which side of a limit it lies (97.7 % and 98.0 %).

/// "54.0 %"; "-" if not finite.
[[nodiscard]] std::string rate_text(double rate);
/// The same without the unit, for columns whose heading has it: "54.0".
[[nodiscard]] std::string bare_rate_text(double rate);
/// The ends of an interval in percent: "[48.3, 59.6]"; with one decimal more where it would show no
/// width.
[[nodiscard]] std::string interval_text(const Rate& rate);
/// "54.0 [48, 60]", for the columns of a terminal.
[[nodiscard]] std::string compact_rate_text(const Rate& rate);
/// A change of rates in points: "+43.0".
[[nodiscard]] std::string bare_change_text(double change);
/// "+43.0 points".
[[nodiscard]] std::string change_text(double change);
/// "+43.0 [+37.9, +48.1]".
[[nodiscard]] std::string change_interval_text(const Rate& change);
/// "+43.0 [+38, +48]", for the columns of a terminal.
[[nodiscard]] std::string compact_change_text(const Rate& change);
/// A measure between 0 and 1 that is no rate, such as an AUC: "0.54"; "-" if not finite.
[[nodiscard]] std::string fraction_text(double value);
/// Fixed notation with a sign: "+0.43", "-1.20".
[[nodiscard]] std::string signed_text(double value, int decimals);
/// "<0.0001" or four decimals.
[[nodiscard]] std::string p_text(double p_value);
/// "p = 0.0312", "p <0.0001".
[[nodiscard]] std::string p_words(double p_value);
/// "+2.9 %", relative change from `before` to `after`; "-" if undefined.
[[nodiscard]] std::string relative_change_text(double before, double after);
/// About three significant digits without an exponent, one below 0.0001: "0.001", "131",
/// "0.00002".
[[nodiscard]] std::string short_text(double value);
/// "5.4 s", "12 min 3 s", "1 h 14 min".
[[nodiscard]] std::string time_text(double seconds);
/// "1 candidate", "12 345 candidates".
[[nodiscard]] std::string counted(int64_t count, const std::string& one, const std::string& many);
/// "12 345", with a space between groups of three digits.
[[nodiscard]] std::string count_text(int64_t count);

/// True if a mask was tested; false where none was found, or at strength 0.
[[nodiscard]] bool has_tested_mask(const Results& results);
/// True if the mask is a router adapter, which pushes each token differently.
[[nodiscard]] bool is_adapter(const Results& results);
/// True for a set of a role that may lose only so much.
[[nodiscard]] bool has_limit(const MetricResult& metric);
/// True if the change is significant at the 5 % level.
[[nodiscard]] bool is_significant(const MetricResult& metric);

/// "DSR (defence success rate) 54.0 % -> 97.0 % on 300 held-out conversations" with a verdict.
/// `arrow` is placed between the rates.
[[nodiscard]] std::string headline(const Results& results, const std::string& arrow);

/// "54.0 % [48.3, 59.6]" as HTML, the interval in small print.
[[nodiscard]] std::string rate_html(const Rate& rate);

}  // namespace mascing
