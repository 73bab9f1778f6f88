// Source of an export's router update: fitted on a model, or read from an adapter that was fitted
// before.
#pragma once

#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "cli/options.h"
#include "export/router_update.h"

namespace mascing::cli {

struct ExportSource {
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
};

/// The update for `mask` at its own alpha. Throws Error{kUsage} if neither model nor adapter is
/// given, Error{kMismatch} if the adapter was made from another mask.
[[nodiscard]] RouterUpdate obtain_update(const ExportSource& source,
                                         const Mask& mask,
                                         bool may_shift);

/// Prints one line per layer with the method and the quality of the fit.
void print_fit(const RouterUpdate& update);

}  // namespace mascing::cli
