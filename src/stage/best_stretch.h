// Which successive steps of a closed loop become its mask.
#pragma once

#include <cstdint>
#include <vector>

namespace mascing {

/// Replies of the gain set that a look has counted.
struct GainLook {
  int64_t i_step = 0;  ///< under the mask before this step
  int64_t n = 0;
  int64_t n_gained = 0;  ///< wanted ones more than without the mask; may be negative
};

/// What replies say of each step beyond its margins: the share gained by the replies of a look
/// minus the `value` of the steps next to it, by linear interpolation between looks. Shares of few
/// replies are shrunk towards the mean of all looks, which is subtracted, as it says nothing of
/// which steps are better: 0 for every step if there are fewer than two looks.
///
/// `value`: [step] wanted share of the gain set by its margins. Looks in order.
[[nodiscard]] std::vector<double> unseen_by_margins(const std::vector<double>& value,
                                                    const std::vector<GainLook>& looks);

/// Last of the `n_stretch` successive steps with the highest mean `merit`; the latest of equals.
/// The first half of the steps is left out where the rest has enough of them: its values are means
/// over few answers, and the best of many such is an accident. So are the steps before `i_first`.
[[nodiscard]] int64_t best_stretch(const std::vector<double>& merit,
                                   int64_t i_first,
                                   int64_t n_stretch);

}  // namespace mascing
