// The part of a mask that depends on what a router reads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace mascing {

/// The numbers of `down`. They never change, so that what hashes of adapters need of them is
/// computed once, however many masks share them.
class AdapterDown {
 public:
  explicit AdapterDown(std::vector<float> values);
  AdapterDown(const AdapterDown&) = delete;
  AdapterDown& operator=(const AdapterDown&) = delete;
  ~AdapterDown();

  [[nodiscard]] const std::vector<float>& values() const { return values_; }
  [[nodiscard]] const float* data() const { return values_.data(); }
  [[nodiscard]] size_t size() const { return values_.size(); }

 private:
  friend struct RouterAdapter;
  struct Hashed;

  std::vector<float> values_;
  std::unique_ptr<Hashed> hashed_;
};

/// Router logits of MoE layer l gain alpha * sum_r up_l,r (down_l,r . x), x the router's input:
/// what a low-rank adapter (LoRA) on the router does, so engines that load adapters take it as it
/// is. A constant push moves every token alike; this one can move those of an attack and leave
/// others.
struct RouterAdapter {
  int64_t rank = 0;    ///< R; 0 = there is none
  int64_t n_embd = 0;  ///< D, width of the router's input
  /// [L, R, D]. A search scales it so that `down . x` of typical text has a root mean square of one
  /// sigma of the layer. Shared, as masks of one search differ in `up` alone.
  std::shared_ptr<const AdapterDown> down = {};
  std::vector<float> up = {};  ///< [L, R, E]

  [[nodiscard]] const float* down_row(int64_t i_layer, int64_t i_rank) const {
    return down->data() + (i_layer * rank + i_rank) * n_embd;
  }
  /// SHA-256 over rank, `down` and `up`, as hexadecimal digits; of an adapter, not of none.
  [[nodiscard]] std::string hash() const;
  /// `up` of a layer, [R, E].
  [[nodiscard]] const float* up_of(int64_t i_layer, int64_t n_expert) const {
    return up.data() + i_layer * rank * n_expert;
  }
};

}  // namespace mascing
