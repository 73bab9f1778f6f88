// What routers read, as the directions of an adapter.
#pragma once

#include <cstdint>
#include <vector>

#include "base/random.h"
#include "mascing/mask.h"

namespace mascing {

/// Inputs of one layer's router: mean squares of all, and those of tokens drawn at random.
class RouterInputs {
 public:
  /// `rank`: R, tokens to keep; `n_embd`: D.
  RouterInputs(int64_t rank, int64_t n_embd, uint64_t seed);

  void add(const float* input);
  [[nodiscard]] int64_t n_token() const { return n_token_; }
  /// `down` of the layer, [R, D]: each component divided by its root mean square and multiplied by
  /// `sigma`; if R < D, on an orthonormal basis of the kept tokens. Needs R tokens.
  [[nodiscard]] std::vector<float> directions(float sigma) const;

 private:
  [[nodiscard]] std::vector<float> scales(float sigma) const;

  int64_t rank_;
  int64_t n_embd_;
  Rng rng_;
  std::vector<double> squares_;  ///< [D] sums
  std::vector<float> kept_;      ///< [R, D]
  int64_t n_token_ = 0;
};

/// The same adapter with a rank of at most E: row e of `down` becomes sum_r up_r,e down_r / |up_e|,
/// and `up` is |up_e| on the diagonal, so that strengths stay as they are.
[[nodiscard]] Mask with_least_rank(Mask mask);

}  // namespace mascing
