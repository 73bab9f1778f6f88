// Requests for exact derivatives with respect to the values of a mask, and their results.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "mascing/steering.h"
#include "mascing/text_requests.h"

namespace mascing {

/// What a request's outcomes are made of.
struct OpeningScores {
  std::vector<double> log_prob = {};  ///< [n] of each opening, summed over its tokens, natural
  double divergence = 0.0;  ///< KL(reference || steered) summed over the opening's tokens, in nats
};

/// An outcome: its value, its derivatives by the scores left in `d_scores`, which arrives with the
/// sizes of `scores` and all zeros.
using Outcome = std::function<double(const OpeningScores& scores, OpeningScores& d_scores)>;

/// Top-k is a step: without this the derivative knows nothing of experts that are not chosen. The
/// swap of the last chosen expert K for one of the next ranks j adds Phi((z_j - z_K) / (width
/// sigma)) w_K (f_j - f_K), of which only the derivative through Phi counts (its value does not),
/// with the expert's weights w and outputs f held fixed.
struct SwapOptions {
  double width = 0.566;     ///< in units of sigma; 0 = without swaps
  int64_t n_runner_up = 2;  ///< ranks K+1 .. K+n
};

/// The prompt and its openings are computed once, then each outcome is differentiated.
struct GradientRequest {
  std::vector<int32_t> tokens = {};  ///< prompt
  /// [n][at least 1 token]; as many of them as an engine has sequences for must fit one batch,
  /// together with the tokens from `begin` on
  std::shared_ptr<const std::vector<std::vector<int32_t>>> openings = {};
  /// First token whose routing counts. Keys and values of those before it are taken as constants:
  /// the start of the last message is enough in practice and cheaper.
  int64_t begin = 0;
  /// Needs a mask (all zeros will do) that is added to the logits, and an alpha other than 0.
  Steering steering = {};
  std::vector<Outcome> outcomes = {};
  SwapOptions swap = {};
  /// If set: one row per token of the only opening, for the divergence.
  std::shared_ptr<const std::vector<TopRow>> reference = nullptr;
};

struct SteerGradient {
  OpeningScores scores = {};
  std::vector<double> values = {};               ///< one per outcome
  std::vector<std::vector<float>> d_steer = {};  ///< one per outcome: by Mask::values()
  int64_t n_layer_without_swap = 0;  ///< MoE layers whose graph has no place for the swaps' effect
  int64_t size_bytes = 0;  ///< of the values kept between forward and reverse pass, for the whole
                           ///< batch that the request was part of
};

}  // namespace mascing
