// How much of a mask an exported form keeps: of the fit, of what rounding left, of two levels.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace mascing {

/// How near the update of one layer comes to the exact mask, on tokens that the fit did not see.
struct FitQuality {
  int64_t n_token = 0;
  double ratio_spread =
      0.0;                  ///< standard deviation of push / wanted push, along the mask; 0 = exact
  double ratio_low = 1.0;   ///< first percentile of the same ratio
  double ratio_high = 1.0;  ///< 99th percentile
  double same_experts = 1.0;  ///< share of tokens that go to exactly the experts of the exact mask
  double overlap = 1.0;       ///< mean share of a token's experts that are those of the exact mask
};

/// How one layer was fitted, and how near it comes.
struct LayerFit {
  int64_t block = 0;   ///< block number of the layer in the model
  int64_t rank = 0;    ///< of the change of its router; 0 = of the bias only
  std::string method;  ///< "constant", "spread", "matrix", "choice" or "bias" (docs/export.md);
                       ///< "adapter": the mask's own, exact
  FitQuality quality;
};

/// What rounding a changed router took away: |stored - wanted| / |wanted - original|.
struct RoundingLoss {
  int64_t i_layer = 0;
  std::string type;
  double loss = 0.0;
};

/// One layer of a mask as EasySteer takes it: one strength for a list of experts.
struct EasySteerLayer {
  int64_t i_layer = 0;
  std::vector<int64_t> experts;
  double lambda = 0.0;     ///< in standard deviations as torch.std has them (divisor E - 1)
  double explained = 0.0;  ///< share of the variance of the mask's row that is kept
};

}  // namespace mascing
