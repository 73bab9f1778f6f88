// What a mask file says of its own measurements, for reading.
#pragma once

#include <map>
#include <string>

namespace mascing::cli {

/// Rates as a table with one row per split and set, other numbers below it. Keys are those of a
/// mask file: "test.dsr.rate", "selection.kl_benign". Empty without any.
[[nodiscard]] std::string metrics_table(const std::map<std::string, double>& metrics);

}  // namespace mascing::cli
