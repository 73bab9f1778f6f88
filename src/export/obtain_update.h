// Where an export gets its router update from: fitted on a model, or read from an adapter that was
// fitted before.
#pragma once

#include <vector>

#include "export/router_update.h"
#include "mascing/export.h"

namespace mascing {

struct ObtainedUpdate {
  RouterUpdate update;
  std::vector<Warning> warnings;
};

/// The update for `mask` at its own alpha. Throws Error{kInsufficient} for a mask that changes
/// nothing, Error{kUsage} if neither model nor adapter is given, Error{kMismatch} if the adapter
/// was made from another mask.
[[nodiscard]] ObtainedUpdate obtain_update(const Mask& mask,
                                           const ExportOptions& options,
                                           bool may_shift,
                                           const Progress& progress);

}  // namespace mascing
