// What a scenario's data can show, as text and JSON.
#pragma once

#include <string>

#include "mascing/data_summary.h"
#include "mascing/forecast.h"

namespace mascing::cli {

/// "50 discovery (20 label 0, 30 label 1), 20 selection, 30 test".
[[nodiscard]] std::string split_words(const SplitCounts& counts);

/// Prints to stdout, with a forecast if there is one; warnings of the text form go to stderr. If
/// the test split cannot show a significant effect, everything goes to stderr, and
/// Error{kInsufficient} is thrown afterwards.
void print_data(const DataSummary& summary, const Forecast* forecast, bool as_json);

/// Prints the text form to stdout, warnings to stderr; too small a test split is one of them.
void show_data(const DataSummary& summary);

}  // namespace mascing::cli
