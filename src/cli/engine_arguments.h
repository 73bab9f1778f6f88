// Options of the engine, with llama.cpp's names and values.
#pragma once

#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "mascing/engine_options.h"

namespace mascing::cli {

/// `options` must live as long as the command.
void add_engine_options(CLI::App& command, EngineOptions& options);

/// Those that were given, as words for llama-server.
[[nodiscard]] std::vector<std::string> engine_words(const CLI::App& command);

}  // namespace mascing::cli
