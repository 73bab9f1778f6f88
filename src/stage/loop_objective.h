// What one answer of the model counts for in the closed loop: the loss that a step goes down, the
// value that is reported, and by how much that exceeds its limit.
#pragma once

#include <cstdint>
#include <vector>

namespace mascing {

/// Role of a set in the objectives.
enum class LoopRole {
  kGain,    ///< its conversations should give the wanted reply
  kKeep,    ///< its share of margins above `margin` may drop by `limit`
  kDamage,  ///< its divergence may be `limit` nats per token
};

struct LoopSet {
  LoopRole role = LoopRole::kGain;
  double limit = 0.0;             ///< > 0 except for kGain
  std::vector<double> base = {};  ///< unsteered margins of the items; empty for kDamage
  double margin = 0.0;            ///< kKeep: margin in nats required for a wanted reply
  double slope = 4.0;             ///< of the wanted share, sigmoid(slope m), per nat
};

/// Loss of an answer `y`: a margin, or a divergence for kDamage. softplus(-y) for kGain; for the
/// others a smooth count of violations, or the divergence, in units of the limit.
[[nodiscard]] double loop_loss(const LoopSet& set, double y);

/// d loop_loss / d y.
[[nodiscard]] double loop_slope(const LoopSet& set, double y);

/// What an answer to item `i_item` adds to the reported value: smoothed wanted share (kGain), its
/// fall from the unsteered one (kKeep), divergence (kDamage). Smoothed: sigmoid(slope m) for a
/// margin m.
[[nodiscard]] double loop_value(const LoopSet& set, int64_t i_item, double y);

/// Of a reported value: 0 at the limit, -1 where nothing has changed. Not for kGain.
[[nodiscard]] double loop_violation(const LoopSet& set, double value);

}  // namespace mascing
