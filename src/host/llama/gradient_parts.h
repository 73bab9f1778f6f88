// Gradient requests with more openings of several tokens than an engine has sequences for, which is
// one where sequences cannot share a recurrent state: in parts of fewer openings each, whose
// gradients sum up to that of the whole.
#pragma once

#include <cstdint>
#include <vector>

#include "host/llama/engine.h"
#include "mascing/gradient_requests.h"
#include "mascing/result.h"

namespace mascing {

class GradientParts {
 public:
  /// Asks `engine` for the likelihoods of all openings where an outcome must be divided.
  GradientParts(Engine& engine, const std::vector<GradientRequest>& requests);

  /// Requests that fit stand there as they are.
  [[nodiscard]] const std::vector<GradientRequest>& requests() const { return parts_; }
  /// Results of the whole requests from those of requests().
  [[nodiscard]] std::vector<Result<SteerGradient>> joined(
      std::vector<Result<SteerGradient>> results) const;

 private:
  struct Whole {
    int64_t n_part = 1;
    OpeningScores scores = {};  ///< of a divided request
    std::vector<double> values = {};
  };

  void divide(const GradientRequest& request, int64_t n_sequence, Whole& whole);

  std::vector<Whole> wholes_;
  std::vector<GradientRequest> parts_;  ///< those of one request are neighbours
};

}  // namespace mascing
