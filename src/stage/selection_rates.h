// Which experts a model chooses while it writes: for each layer and expert the share of tokens that
// were sent to it.
#pragma once

#include <cstdint>
#include <vector>

#include "mascing/host.h"

namespace mascing {

struct SelectionRates {
  int64_t n_token = 0;
  std::vector<double> rates = {};  ///< [L, E] in [0, 1]; a layer's sum is K
};

/// Counts the K largest router logits, mask included, of each token of the spans. Where an
/// architecture acts between the router's scores and the choice (glossary: selection bias, expert
/// groups), the true choice can be another. Throws Error{kHost} if the host cannot show its
/// routers.
[[nodiscard]] std::vector<Result<SelectionRates>> selection_rates(
    Host& host, const std::vector<TraceRequest>& requests);

/// Indices of the k largest of z [n], rising; the lower one wins a tie.
[[nodiscard]] std::vector<int64_t> largest_entries(const float* z, int64_t n, int64_t k);

/// The tokens whose routing wrote `reply`: the last of the prompt to the last but one of the reply.
/// No tokens if the reply is empty.
[[nodiscard]] TraceRequest written_by(const std::vector<int32_t>& prompt,
                                      const std::vector<int32_t>& reply,
                                      const Steering& steering);

}  // namespace mascing
