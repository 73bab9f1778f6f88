// The report: one HTML page for readers, rendered from the same struct as results.json.
#pragma once

#include <string>

#include "mascing/results.h"
#include "mascing/transcript.h"

namespace mascing {

/// A self-contained page without scripts or external resources, in the reader's preferred colour
/// scheme. All external text is escaped. Same results, same bytes.
[[nodiscard]] std::string render_report(const Results& results,
                                        const std::vector<Transcript>& transcripts = {});

/// The verdict, metrics with intervals, damage and warnings as plain text, at most 80 columns wide,
/// ending in a line break. `colour` only adds ANSI colours. Control characters in names are
/// removed.
[[nodiscard]] std::string render_table(const Results& results, bool colour);

}  // namespace mascing
