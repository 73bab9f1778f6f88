// The report: one HTML page for people, drawn from the same struct as results.json.
#pragma once

#include <string>

#include "mascing/results.h"

namespace mascing {

/// A self-contained page: opens from disk, fetches nothing, runs no script, light or dark as the
/// reader prefers. Everything that comes from outside is escaped. Same results, same bytes.
[[nodiscard]] std::string render_report(const Results& results);

/// Metrics with intervals, damage, speed and warnings as plain text, at most 100 columns wide,
/// ending in a line break. `colour` adds ANSI colours and changes nothing else. Control characters
/// in names are left out.
[[nodiscard]] std::string render_table(const Results& results, bool colour);

}  // namespace mascing
