// libllama's own view of one decode: the product of every router's weight with its input, what the
// router's logits became, and which experts were chosen. Independent of the RouterTap, which may
// run underneath.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "host/llama/engine.h"
#include "host/llama/router_tap.h"

namespace mascing {

/// One block's router in one decode, after the tap (if there is one) had it.
struct RouterWatch {
  int64_t n_expert = 0;
  int64_t n_embd = 0;
  int64_t n_used = 0;
  bool is_biased = false;       ///< whether a sum with a bias followed the product
  std::vector<float> input;     ///< [token, D]
  std::vector<float> product;   ///< [token, E]
  std::vector<float> logits;    ///< [token, E], the bias included
  std::vector<int32_t> chosen;  ///< [token, K]
};

class WatchedModel {
 public:
  /// `tap` may be null.
  WatchedModel(std::shared_ptr<const LoadedModel> model, RouterTap* tap, bool is_watching);

  /// Empties the cache and decodes one sequence, the logits of all its tokens wanted.
  void decode(const std::vector<int32_t>& tokens);
  [[nodiscard]] std::vector<float> outputs() const;  ///< [token, V] of the last decode
  [[nodiscard]] const std::map<int64_t, RouterWatch>& seen() const { return seen_; }

 private:
  static bool on_tensor(ggml_tensor* tensor, bool ask, void* self);
  void watch(const ggml_tensor* tensor);

  std::shared_ptr<const LoadedModel> model_;
  RouterTap* tap_;
  std::unique_ptr<llama_context, LlamaContextDeleter> context_;
  int64_t n_token_ = 0;
  std::map<int64_t, RouterWatch> seen_;  ///< by block
};

}  // namespace mascing
