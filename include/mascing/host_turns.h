// Hosts that take turns in memory: for a model and its judge, where both at once do not fit.
#pragma once

#include <functional>
#include <memory>

#include "mascing/host.h"

namespace mascing {

/// A circle of hosts, of which only the one that is asked is loaded. Results are those of hosts
/// that stay loaded; every change of turns costs the time to load a model. Not thread-safe.
class HostTurns {
 public:
  HostTurns();

  /// A host that loads itself by `open` when it is asked something that needs its engine; what the
  /// others hold is freed before. Throws what `open` throws, then and whenever its turn comes.
  /// Outlives the circle; what it describes, its settings and its counters are known between turns.
  [[nodiscard]] std::unique_ptr<Host> join(std::function<std::unique_ptr<Host>()> open);
  /// How often a host was loaded so far.
  [[nodiscard]] int64_t n_load() const;

  struct Circle;

 private:
  std::shared_ptr<Circle> circle_;
};

}  // namespace mascing
