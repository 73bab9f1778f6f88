// The margin of a set's openings, and its slope.
#pragma once

#include <cstdint>
#include <vector>

namespace mascing {

/// log sum p(wanted) - log sum p(other), from the openings' log-probabilities, the first `n_wanted`
/// of which are the wanted ones. If all openings are of one kind, the other is any other reply:
/// log p - log(1 - p). If `d_log_prob` is given, it becomes the derivative by `log_prob`.
[[nodiscard]] double opening_margin(const std::vector<double>& log_prob,
                                    int64_t n_wanted,
                                    std::vector<double>* d_log_prob = nullptr);

}  // namespace mascing
