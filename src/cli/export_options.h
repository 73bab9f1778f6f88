// What the commands that export a mask take: a model or an adapter, and conversations to fit on.
#pragma once

#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "cli/options.h"
#include "mascing/export.h"

namespace mascing::cli {

struct FitArguments {
  ModelOptions model;
  std::string adapter;            ///< read the update from this file instead of fitting it
  std::vector<std::string> data;  ///< conversations to collect router inputs from
  int64_t rank = 16;
  int64_t n_max_token = 24000;
  uint64_t seed = 0;

  void add_to(CLI::App& command);
  [[nodiscard]] bool has_model() const { return !model.host.path.empty(); }
  /// The model's path, or a placeholder, for use in example commands.
  [[nodiscard]] std::string model_name() const {
    return has_model() ? model.host.path : "model.gguf";
  }
  /// For the library. Reads the conversations if there is something to fit.
  [[nodiscard]] ExportOptions options() const;
};

}  // namespace mascing::cli
