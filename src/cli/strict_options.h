// Rules that hold for the values of all options.
#pragma once

#include <CLI/CLI.hpp>

namespace mascing::cli {

/// Makes every option of the commands below `app` refuse what would otherwise be taken for
/// something else: numbers that are not plain decimal ones (nan, inf, 0x10, -1 for a count, more
/// than the type holds) and empty words.
void make_strict(CLI::App& app);

}  // namespace mascing::cli
