// Fits router updates, i.e. directions whose product with a router's input approximates the shift
// of the exact mask, on inputs collected while the model reads conversations.
#pragma once

#include <cstdint>
#include <vector>

#include "export/router_update.h"
#include "format/router_traits.h"
#include "mascing/host.h"
#include "mascing/progress.h"

namespace mascing {

/// One calibration text. Texts of the same group are held out together.
struct FitSample {
  TraceRequest request;  ///< including the steering that is active
  int64_t group = 0;
};

struct FitOptions {
  bool may_shift = false;  ///< the target format can change existing router biases
  int64_t rank = 16;       ///< maximum rank of an update; 1 = a single direction per layer
  int64_t n_max_token = 24000;
  double held_out_share = 0.25;  ///< share of groups used only for measurement, and one at least
  /// Memory limit for inputs and fit; the fewer layers fit in, the more passes over the texts.
  int64_t n_max_byte = int64_t{2} << 30;
  int64_t n_thread = 1;      ///< of the fit; its numbers are the same for any
  RouterTraits traits = {};  ///< how the model chooses experts; as it stands: by their logits
};

/// Tokens of one text that are read: the last ones, so that many texts have their say, and the
/// first four, whose inputs are like no others.
[[nodiscard]] int64_t longest_part(int64_t n_max_token);
inline constexpr int64_t kFirstTokens = 4;

/// Inputs and logits of one router, token by token.
struct RouterSamples {
  int64_t n_token = 0;
  int64_t n_embd = 0;
  int64_t n_expert = 0;
  std::vector<uint16_t> inputs;      ///< half precision [N, D]
  std::vector<float> logits;         ///< [N, E] before any mask
  std::vector<uint8_t> is_held_out;  ///< [N]
};

/// Memory that fit_layer needs beside the samples, in bytes.
[[nodiscard]] int64_t fit_bytes(int64_t n_token, int64_t n_embd, int64_t n_expert);

/// Fits one layer in up to four ways and returns the one with the largest share of held-out tokens
/// that get the experts of the exact mask:
///   constant  ridge regression of one direction a on a . x = mean sigma
///   spread    of one direction on a . x = sigma(x), each token weighted by the variance of S under
///             its routing probabilities: to second order, the divergence an error there costs
///   matrix    the matrix M of rank R that minimises the same divergence, sum over tokens of
///             (M x - sigma S)^T (diag p - p p^T) (M x - sigma S), experts near the choice's border
///             weighted up; without p p^T where a shift of all logits changes the choice
///   choice    refines the matrix with the loss of refine_choice.h if it is not good enough
/// For a mask of parts, constant and spread have a direction for each sigma rule, and the others
/// fit the sum of the pushes. `alpha` is the strength at which p is taken. With `may_shift` each
/// has a constant term besides. Where the token decides over the experts, the fit with the smallest
/// ratio_spread is returned. Throws Error{kInsufficient} if there are no tokens to fit or to
/// hold out.
[[nodiscard]] LayerUpdate fit_layer(RouterSamples samples,
                                    const Mask& mask,
                                    int64_t i_layer,
                                    double alpha,
                                    const FitOptions& options);

/// Reads the samples (as many as n_max_token allows), fits every layer that the mask touches. The
/// first report of progress tells threads, memory and passes.
/// Throws Error{kMismatch} for a mask of another model, Error{kInsufficient} for a single group
/// and for inputs that half precision cannot hold.
[[nodiscard]] RouterUpdate fit_router_update(Host& host,
                                             const Mask& mask,
                                             double alpha,
                                             const std::vector<FitSample>& samples,
                                             const FitOptions& options,
                                             const Progress& progress = {});

}  // namespace mascing
