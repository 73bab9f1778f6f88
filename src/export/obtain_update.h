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

/// Throws Error{kInsufficient} for a mask that changes nothing.
void require_effect(const Mask& mask);

/// The update for `mask` at its own alpha, without a check's findings: they are of another file. An
/// adapter that was fitted at another strength says nothing of how good the fit is at this one.
/// Throws Error{kInsufficient} for a mask that changes
/// nothing, or whose fit is not finite, Error{kUsage} if neither model nor adapter is given,
/// Error{kMismatch} if the adapter was made from another mask.
[[nodiscard]] ObtainedUpdate obtain_update(const Mask& mask,
                                           const ExportOptions& options,
                                           bool may_shift,
                                           const Progress& progress);

}  // namespace mascing
