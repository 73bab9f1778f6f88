// A steering matrix with everything needed to apply it, and its provenance.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "mascing/router_adapter.h"
#include "mascing/router_sketch.h"

namespace mascing {

/// How the spread of a layer's router logits is measured, so that alpha has the same meaning in all
/// layers.
enum class SigmaRule {
  kToken,       ///< standard deviation over the E logits of the token itself (default)
  kCalibrated,  ///< a constant per layer, stored in the mask
  kBatch,       ///< over all tokens of the current micro-batch; for comparison only, since it
                ///< depends on the other sequences
};

[[nodiscard]] const char* to_string(SigmaRule rule);
/// Throws Error{kUsage} naming the three rules.
[[nodiscard]] SigmaRule parse_sigma_rule(const std::string& text);

/// One more summand of a composed mask, whose sigma follows another rule.
struct MaskPart {
  SigmaRule sigma_rule = SigmaRule::kToken;
  std::vector<float> steer = {};  ///< S, [L, E]
};

/// Router logits of MoE layer l become z' = z + alpha * sigma * S_l (method.md, step 5). Each part
/// adds alpha * sigma_p * S_p,l; all sigmas are taken from z. The adapter adds its own push.
struct Mask {
  int64_t n_layer = 0;          ///< L, MoE layers only
  int64_t n_expert = 0;         ///< E
  std::vector<float> steer;     ///< S, [L, E], zero = untouched
  std::vector<float> sigma;     ///< [L], calibrated spread of each layer's router logits, > 0
  std::vector<int64_t> blocks;  ///< [L], block number of each MoE layer in the model
  SigmaRule sigma_rule = SigmaRule::kToken;
  float alpha = 1.0F;         ///< default strength
  float lambda = 0.0F;        ///< L1 weight it was optimised with
  float threshold = 0.0F;     ///< entries with |S| <= threshold were set to zero
  int64_t n_expert_used = 0;  ///< K of the model
  std::string architecture;
  std::string fingerprint;  ///< of the model it was made for; SHA-256 as hexadecimal digits
  RouterSketch routers;     ///< of that model; empty in masks of earlier versions
  std::string model_name;
  std::string scenario;
  std::string direction;  ///< "defend" or "permit", from the scenario
  std::string method;     ///< "surrogate" or "mean_difference"
  uint64_t seed = 0;
  std::string data_hash;  ///< SHA-256 of the traces it was optimised on
  /// Hashes (conversation_hash) of the conversations it was made from or chosen with, sorted: an
  /// evaluation on one of them is no held-out one. Empty in masks of earlier versions.
  std::vector<std::string> conversations = {};
  std::string tool_version;
  std::map<std::string, double> metrics;  ///< e.g. "selection.dsr.rate", "selection.dsr.low"
  /// Of a composition of masks of different sigma rules, one for each further rule; else empty.
  std::vector<MaskPart> parts;
  RouterAdapter adapter = {};  ///< what depends on the router's input; usually S is zero then

  [[nodiscard]] bool has_adapter() const { return adapter.rank > 0; }
  /// What a search moves: the adapter's `up` if there is an adapter, else S.
  [[nodiscard]] const std::vector<float>& values() const {
    return has_adapter() ? adapter.up : steer;
  }
  [[nodiscard]] std::vector<float>& values() { return has_adapter() ? adapter.up : steer; }
  [[nodiscard]] const float* row(int64_t i_layer) const {
    return steer.data() + i_layer * n_expert;
  }
  [[nodiscard]] float* row(int64_t i_layer) { return steer.data() + i_layer * n_expert; }
  /// Number of experts that are pushed, in any part or by the adapter.
  [[nodiscard]] int64_t n_active() const;
  [[nodiscard]] bool is_zero(int64_t i_layer) const;
  /// True if the mask or one of its parts takes sigma by this rule.
  [[nodiscard]] bool uses(SigmaRule rule) const;
  /// The sum of S, all parts and the adapter's strength, [L, E]. A token's sigma is `sigma` on
  /// average, so this is the push in its units. An adapter pushes each token otherwise: its
  /// strength is the root of the sum over r of up^2, a root mean square without a sign.
  [[nodiscard]] std::vector<float> total() const;
  /// Throws Error{kBadInput} unless all sizes match, all numbers are finite and every sigma is
  /// positive.
  void validate() const;
};

struct ModelInfo;
/// A mask that fits the model and does nothing: all entries 0, all sigmas 1.
[[nodiscard]] Mask zero_mask(const ModelInfo& info);

}  // namespace mascing
