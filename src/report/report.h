// The report: one HTML page for people, drawn from the same struct as results.json.
#pragma once

#include <string>

#include "mascing/results.h"

namespace mascing {

/// A self-contained page: opens from disk, fetches nothing, runs no script, light or dark as the
/// reader prefers. Everything that comes from outside is escaped. Same results, same bytes.
[[nodiscard]] std::string render_report(const Results& results);

}  // namespace mascing
