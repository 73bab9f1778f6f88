// A mask as a change of router weights, for engines that only support matrices. The exact mask adds
// alpha * sigma * S to the logits of every token, which no matrix can do for all inputs. An update
// of small rank approximates it on typical inputs.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "export/fidelity_record.h"
#include "mascing/export_quality.h"
#include "mascing/mask.h"

namespace mascing {

/// Logits of one MoE layer gain strength * (up (down x) + shift), x the router's input.
struct LayerUpdate {
  int64_t i_layer = 0;
  int64_t rank = 0;          ///< R; 0 = shift only
  std::vector<float> down;   ///< [R, D]
  std::vector<float> up;     ///< [E, R]
  std::vector<float> shift;  ///< [E]; empty unless the router has a bias to add it to
  std::string method;  ///< "constant", "spread", "matrix", "choice", "bias": what measured best;
                       ///< "adapter": the mask's own, exact
  FitQuality quality;
};

/// Origin of an update, written to every exported file.
struct UpdateOrigin {
  std::string architecture;
  std::string fingerprint;  ///< of the model
  RouterSketch routers;     ///< of the model; empty in files of earlier versions
  std::string model_name;
  std::string scenario;
  std::string direction;
  std::string mask_hash;  ///< see hash_mask
  std::string tool_version;
  double alpha = 1.0;  ///< strength it was fitted at, and the one suggested
};

struct RouterUpdate {
  int64_t n_layer = 0;
  int64_t n_expert = 0;
  int64_t n_embd = 0;
  std::vector<int64_t> blocks;  ///< [L] block number of each MoE layer
  UpdateOrigin origin;
  std::vector<LayerUpdate> layers;  ///< those that the mask touches, ascending
  FidelityRecord fidelity;          ///< of the exported form as a whole, if it was measured
};

/// Row `i_expert` of strength * up * down, [D], added to `row` in double.
void add_update_row(const LayerUpdate& layer,
                    int64_t i_expert,
                    int64_t n_embd,
                    double strength,
                    std::vector<double>& row);

/// Without layers. `n_embd`: width of the model's routers.
[[nodiscard]] RouterUpdate start_update(const Mask& mask, int64_t n_embd, double alpha);
/// The same with a layer of rank 1 and no numbers for each that the mask touches: what can be told
/// of an update before it is fitted.
[[nodiscard]] RouterUpdate outline_of(const Mask& mask, int64_t n_embd);
/// What the adapter of a mask is as an update: exactly the same. Its S is not in it.
[[nodiscard]] RouterUpdate update_of_adapter(const Mask& mask, double alpha);
/// Adds the layers of `more` to those of `update`, of the same model.
void append_update(const RouterUpdate& more, RouterUpdate& update);

/// 0 without layers.
[[nodiscard]] int64_t largest_rank(const RouterUpdate& update);

/// Throws Error{kInsufficient} if a number of the update is not finite.
void require_finite(const RouterUpdate& update);

/// How the layers of an update were fitted, in their order.
[[nodiscard]] std::vector<LayerFit> layer_fits(const RouterUpdate& update);

/// SHA-256 over what a mask does: matrix, sigma and its rule.
[[nodiscard]] std::string hash_mask(const Mask& mask);
[[nodiscard]] UpdateOrigin origin_of(const Mask& mask, double alpha);

}  // namespace mascing
