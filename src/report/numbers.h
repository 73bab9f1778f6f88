// How the report and the terminal table write numbers and metric names, so that both say the same.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mascing/results.h"

namespace mascing {

/// One metric and its id.
struct NamedMetric {
  std::string id;
  const MetricResult* result = nullptr;  ///< borrowed from the Results
};

/// The metrics in reading order: the headline's first, then the well-known ids, then others by
/// name.
[[nodiscard]] std::vector<NamedMetric> ordered_metrics(const Results& results);

/// "dsr" -> "DSR", "benign_compliance" -> "benign compliance".
[[nodiscard]] std::string display_name(const std::string& id);

/// "0.54"; "-" if not finite.
[[nodiscard]] std::string rate_text(double rate);
/// Fixed notation with a sign: "+0.43", "-1.20".
[[nodiscard]] std::string signed_text(double value, int decimals);
/// "[0.48, 0.60]".
[[nodiscard]] std::string interval_text(const Rate& rate);
/// "<0.0001" or four decimals.
[[nodiscard]] std::string p_text(double p_value);
/// "+2.9 %", relative change from `before` to `after`; "-" if it cannot be given.
[[nodiscard]] std::string relative_change_text(double before, double after);
/// Three significant digits without an exponent where that is readable: "0.001", "131", "1.5e-05".
[[nodiscard]] std::string short_text(double value);
/// "12 345": thousands apart by a thin gap of one space.
[[nodiscard]] std::string count_text(int64_t count);

/// True if the outcome changed beyond what chance explains at the 5 % level.
[[nodiscard]] bool is_significant(const MetricResult& metric);

/// "DSR 0.54 -> 0.97 on 300 held-out conversations", and what to think of it. `arrow` stands
/// between the rates.
[[nodiscard]] std::string headline(const Results& results, const std::string& arrow);

/// "0.54 [0.48, 0.60]" as HTML, the interval in small print.
[[nodiscard]] std::string rate_html(const Rate& rate);

}  // namespace mascing
