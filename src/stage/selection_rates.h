// Which experts a model chooses while it writes: for each layer and expert the share of tokens that
// were sent to it.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "mascing/host.h"

namespace mascing {

struct SelectionRates {
  int64_t n_token = 0;
  std::vector<double> rates = {};  ///< [L, E] in [0, 1]; a layer's sum is K, or 0 without a choice
};

/// The experts that a router's logits [E] choose at an MoE layer, ascending; none where its token
/// decides over them.
using ChooseExperts = std::function<std::vector<int64_t>(int64_t i_layer, const float* logits)>;

/// The K largest logits, which is a model's choice unless it acts on them (glossary: selection
/// bias, expert groups).
[[nodiscard]] ChooseExperts choosing_largest(const ModelInfo& info);

/// Counts the experts that each token of the spans chooses, mask included; an empty `choose` takes
/// those with the largest logits. Throws Error{kHost} if the host cannot show its routers.
[[nodiscard]] std::vector<Result<SelectionRates>> selection_rates(
    Host& host, const std::vector<TraceRequest>& requests, const ChooseExperts& choose = {});

/// Indices of the k largest of z [n], rising; the lower one wins a tie.
[[nodiscard]] std::vector<int64_t> largest_entries(const float* z, int64_t n, int64_t k);

/// The tokens whose routing wrote `reply`: the last of the prompt to the last but one of the reply.
/// No tokens if the reply is empty.
[[nodiscard]] TraceRequest written_by(const std::vector<int32_t>& prompt,
                                      const std::vector<int32_t>& reply,
                                      const Steering& steering);

}  // namespace mascing
