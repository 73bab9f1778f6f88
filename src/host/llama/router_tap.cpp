// The tap: routers appear in the graph as `ffn_moe_logits-<block>` and, where the router has a
// bias, as `ffn_moe_logits_biased-<block>`. The latter, or the former where there is no bias, is
// read, recorded and rewritten as z' = z + alpha * sigma * S before softmax or sigmoid and top-k
// are computed from it. Where the softmax comes after the choice (gpt-oss) the same tensor is given
// a third name, `ffn_moe_probs-<block>`, before the graph runs. The residual stream after a block
// is `l_out-<block>`; a control vector is added to it as libllama's own would be, but for each
// token on its own.
#include "host/llama/router_tap.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <string_view>
#include <utility>

#include <ggml-backend.h>
#include <ggml.h>

#include "base/half.h"
#include "base/numeric.h"
#include "host/llama/adapter_push.h"
#include "mascing/error.h"

#include <Eigen/Core>

namespace mascing {
namespace {

constexpr std::string_view kRouterNames = "ffn_moe_";  ///< how all names of a router begin
constexpr const char* kPlainPrefix = "ffn_moe_logits-";
constexpr const char* kBiasedPrefix = "ffn_moe_logits_biased-";
constexpr const char* kRenamedPrefix = "ffn_moe_probs-";
constexpr const char* kBlockPrefix = "l_out-";

/// Standard deviation over n values, in double: the divisor is n, as for a whole population. One
/// pass, measured from the first value, several sums side by side: a mask in units of the token's
/// own spread asks for it at every token of every layer.
float spread(const float* values, int64_t n) {
  constexpr int64_t kLane = 16;
  using Lanes = Eigen::Array<double, kLane, 1>;
  const double origin = values[0];
  Lanes sums = Lanes::Zero();
  Lanes squares = Lanes::Zero();
  int64_t i = 0;
  for (; i + kLane <= n; i += kLane) {
    const Lanes d =
        Eigen::Map<const Eigen::Array<float, kLane, 1>>(values + i).cast<double>() - origin;
    sums += d;
    squares += d * d;
  }
  double sum = sums.sum();
  double square = squares.sum();
  for (; i < n; ++i) {
    const double d = values[i] - origin;
    sum += d;
    square += d * d;
  }
  const double mean = sum / to_double(n);
  return to_float(std::sqrt(std::max(0.0, square / to_double(n) - mean * mean)));
}

/// The number behind `prefix`, or -1 if the name is another one.
int64_t number_behind(const char* prefix, const char* name) {
  const size_t n_prefix = std::strlen(prefix);
  if (std::strncmp(name, prefix, n_prefix) != 0) {
    return -1;
  }
  const char* digits = name + n_prefix;
  const char* end = digits + std::strlen(digits);
  uint32_t number = 0;
  const auto [stop, status] = std::from_chars(digits, end, number);
  return status == std::errc() && stop == end ? int64_t{number} : -1;
}

/// Entries above 0 to the top of the logits, entries below 0 to the bottom.
void force(float* z, const float* row, int64_t n_expert) {
  const auto [least, most] = std::minmax_element(z, z + n_expert);
  const float bottom = *least - kForceMargin;
  const float top = *most + kForceMargin;
  for (int64_t e = 0; e < n_expert; ++e) {
    z[e] = row[e] > 0.0F ? top : row[e] < 0.0F ? bottom : z[e];
  }
}

}  // namespace

RouterTap::RouterTap(const ModelInfo& info)
    : n_layer_(info.n_layer),
      n_expert_(info.n_expert),
      n_embd_(info.n_embd),
      layer_of_block_(info.n_block, -1),
      has_bias_(info.has_bias) {
  for (int64_t l = 0; l < n_layer_; ++l) {
    layer_of_block_.at(info.blocks[l]) = l;
  }
}

void RouterTap::plan(std::vector<TapColumn> columns,
                     std::vector<int32_t> output_columns,
                     bool stop_after_routers) {
  columns_ = std::move(columns);
  output_columns_ = std::move(output_columns);
  stop_after_routers_ = stop_after_routers;
  error_ = nullptr;
  records_ = observes_ = reads_blocks_ = needs_batch_sigma_ = false;
  seen_.assign(n_layer_, false);
  seen_blocks_.assign(layer_of_block_.size(), false);
  steered_layers_.assign(seen_.size(), false);
  adapted_layers_.assign(seen_.size(), false);
  steered_blocks_.assign(seen_blocks_.size(), false);
  const Steering* last = nullptr;
  for (const TapColumn& column : columns_) {
    records_ = records_ || column.record != nullptr;
    reads_blocks_ = reads_blocks_ || column.residual != nullptr;
    observes_ = observes_ || (observer_ != nullptr && column.i_request >= 0);
    if (column.steering != nullptr && column.steering != last) {
      last = column.steering;
      plan_steering(*last);
    }
  }
}

void RouterTap::plan_steering(const Steering& steering) {
  needs_batch_sigma_ =
      needs_batch_sigma_ || (steering.mask != nullptr && steering.mask->uses(SigmaRule::kBatch));
  for (int64_t l = 0; steering.mask != nullptr && l < n_layer_; ++l) {
    const bool is_steered = !steering.mask->is_zero(l);
    steered_layers_[l] = steered_layers_[l] || is_steered;
    adapted_layers_[l] = adapted_layers_[l] || (is_steered && steering.mask->has_adapter());
  }
  const int64_t n_block = steering.control == nullptr ? 0 : std::ssize(steered_blocks_);
  for (int64_t b = 0; b < n_block; ++b) {
    steered_blocks_[b] = steered_blocks_[b] || !steering.control->is_zero(b);
  }
}

void RouterTap::finish() {
  if (error_) {
    std::rethrow_exception(std::exchange(error_, nullptr));
  }
  for (int64_t l = 0; l < n_layer_; ++l) {
    if (wants(l) && !seen_[l]) {
      throw Error(ErrorKind::kHost,
                  "[host] MoE layer " + std::to_string(l) +
                      " did not expose its router logits during computation",
                  "the routers of this architecture are not supported by this version; "
                  "nothing was steered");
    }
  }
  for (int64_t b = 0; b < std::ssize(seen_blocks_); ++b) {
    const bool is_computed = !stop_after_routers_ || std::any_of(layer_of_block_.begin() + b + 1,
                                                                 layer_of_block_.end(),
                                                                 [](int64_t l) { return l >= 0; });
    if (is_computed && wants_block(b) && !seen_blocks_[b]) {
      throw Error(ErrorKind::kHost,
                  "[host] block " + std::to_string(b) + " did not expose its residual stream (" +
                      kBlockPrefix + std::to_string(b) + ") during computation",
                  "control vectors are not available for this architecture");
    }
  }
}

bool RouterTap::wants(int64_t i_layer) const {
  const bool ends_here = stop_after_routers_ && i_layer == n_layer_ - 1;
  return records_ || observes_ || ends_here || steered_layers_[i_layer];
}

bool RouterTap::wants_block(int64_t i_block) const {
  return reads_blocks_ || steered_blocks_[i_block];
}

int64_t RouterTap::layer_of(const ggml_tensor* tensor, bool& is_biased) const {
  if (std::strncmp(tensor->name, kRouterNames.data(), kRouterNames.size()) != 0) {
    return -1;  // most of the graph's thousands of tensors, at each decode
  }
  const int64_t i_plain = number_behind(kPlainPrefix, tensor->name);
  int64_t i_block = i_plain >= 0 ? i_plain : number_behind(kBiasedPrefix, tensor->name);
  is_biased = i_plain < 0;
  if (i_block < 0 && (tensor->op == GGML_OP_ADD || tensor->op == GGML_OP_MUL_MAT)) {
    i_block = number_behind(kRenamedPrefix, tensor->name);
    is_biased = i_block >= 0 && number_behind(kPlainPrefix, tensor->src[0]->name) == i_block;
  }
  return i_block >= 0 && i_block < std::ssize(layer_of_block_) ? layer_of_block_[i_block] : -1;
}

int64_t RouterTap::block_of(const char* name) const {
  const int64_t i_block = number_behind(kBlockPrefix, name);
  return i_block < std::ssize(layer_of_block_) ? i_block : -1;
}

bool RouterTap::on_tensor(ggml_tensor* tensor, bool ask, void* self) {
  auto* tap = static_cast<RouterTap*>(self);
  if (tap->listener_ == nullptr) {
    return tap->handle(tensor, ask);
  }
  if (!ask) {
    tap->show_node(tensor);
  }
  return true;
}

void RouterTap::show_node(ggml_tensor* tensor) {
  bool is_biased = false;
  const int64_t i_layer = layer_of(tensor, is_biased);
  try {
    if (!error_ && i_layer >= 0 && has_bias_[i_layer] == is_biased) {
      listener_->on_router(tensor, i_layer);
    }
    if (handle(tensor, true)) {
      (void)handle(tensor, false);
    }
    if (!error_) {
      listener_->on_node(tensor);
    }
  } catch (...) {
    error_ = std::current_exception();
  }
}

bool RouterTap::handle(ggml_tensor* tensor, bool ask) {
  bool is_biased = false;
  const int64_t i_layer = layer_of(tensor, is_biased);
  const int64_t i_block = i_layer < 0 ? block_of(tensor->name) : -1;
  const bool is_final = i_layer >= 0 && has_bias_[i_layer] == is_biased;
  const bool is_wanted =
      !error_ && ((i_layer >= 0 && wants(i_layer) && (is_final || reads_inputs(i_layer))) ||
                  (i_block >= 0 && wants_block(i_block)));
  if (!is_wanted || ask) {
    return is_wanted == ask;
  }
  try {
    if (i_block >= 0) {
      apply_to_block(tensor, i_block);
    }
    if (i_layer >= 0 && reads_inputs(i_layer) && !is_biased) {
      read_inputs(tensor);
    }
    if (is_final) {
      apply(tensor, i_layer);
    }
  } catch (...) {
    // The graph goes on: stopped, libllama would compute what is left from what was never computed.
    error_ = std::current_exception();
    return true;
  }
  return !(is_final && stop_after_routers_ && i_layer == n_layer_ - 1);
}

// An adapter adds to the product, and some architectures scale it: the product itself is the first
// source of the first source. Its input lives on, for the experts read it, too.
void RouterTap::read_inputs(const ggml_tensor* tensor) {
  const ggml_tensor* product = tensor;
  while (product != nullptr && product->op != GGML_OP_MUL_MAT) {
    product = product->src[0];
  }
  const ggml_tensor* input = product == nullptr ? nullptr : product->src[1];
  if (input == nullptr || input->type != GGML_TYPE_F32 || input->ne[0] != n_embd_ ||
      input->ne[1] != tensor->ne[1] || !ggml_is_contiguous(input)) {
    throw Error(ErrorKind::kHost,
                std::string("[host] the input of router ") + tensor->name + " was not found",
                "the routers of this architecture are not supported by this version");
  }
  inputs_.resize(input->ne[1] * n_embd_);
  ggml_backend_tensor_get(input, inputs_.data(), 0, ggml_nbytes(input));
}

int64_t RouterTap::token_of_column(int64_t i_column, int64_t n_column) const {
  return n_column == std::ssize(columns_) ? i_column : output_columns_[i_column];
}

int64_t RouterTap::read_columns(const ggml_tensor* tensor, int64_t n_row) {
  const int64_t n_column = tensor->ne[1];
  const int64_t n_token = std::ssize(columns_);
  const int64_t n_output = std::ssize(output_columns_);
  if (tensor->type != GGML_TYPE_F32 || tensor->ne[0] != n_row || !ggml_is_contiguous(tensor) ||
      (n_column != n_token && n_column != n_output)) {
    throw Error(ErrorKind::kHost,
                std::string("[host] tensor ") + tensor->name + " has shape [" +
                    std::to_string(tensor->ne[0]) + ", " + std::to_string(n_column) +
                    "], expected [" + std::to_string(n_row) + ", " + std::to_string(n_token) +
                    " or " + std::to_string(n_output) + "]",
                "the token order of this architecture is not supported by this version");
  }
  data_.resize(n_column * n_row);
  ggml_backend_tensor_get(tensor, data_.data(), 0, ggml_nbytes(tensor));
  return n_column;
}

void RouterTap::apply(ggml_tensor* tensor, int64_t i_layer) {
  seen_[i_layer] = true;
  const int64_t n_column = read_columns(tensor, n_expert_);
  if (observes_) {
    before_.assign(data_.data(), data_.data() + data_.size());
  }
  const float sigma_batch =
      needs_batch_sigma_ && data_.size() > 0 ? spread(data_.data(), data_.size()) : 0.0F;
  bool changed = false;
  for (int64_t i = 0; i < n_column; ++i) {
    const TapColumn& column = columns_[token_of_column(i, n_column)];
    float* z = data_.data() + i * n_expert_;
    record_column(z, column, i_layer);
    const float* input = adapted_layers_[i_layer] ? inputs_.data() + i * n_embd_ : nullptr;
    changed = steer_column(z, input, column, i_layer, sigma_batch) || changed;
    show_column(i, column, i_layer);
  }
  if (changed) {
    ggml_backend_tensor_set(tensor, data_.data(), 0, ggml_nbytes(tensor));
  }
}

void RouterTap::apply_to_block(ggml_tensor* tensor, int64_t i_block) {
  seen_blocks_[i_block] = true;
  const int64_t n_column = read_columns(tensor, n_embd_);
  for (int64_t i = 0; i < n_column; ++i) {
    const TapColumn& column = columns_[token_of_column(i, n_column)];
    float* h = data_.data() + i * n_embd_;
    if (column.residual != nullptr) {
      std::copy(h, h + n_embd_, column.residual + i_block * n_embd_);
    }
    if (column.steering == nullptr || column.steering->control == nullptr) {
      continue;
    }
    const float* direction = column.steering->control->row(i_block);
    for (int64_t d = 0; d < n_embd_; ++d) {
      h[d] += column.steering->alpha * direction[d];
    }
  }
  if (steered_blocks_[i_block]) {
    ggml_backend_tensor_set(tensor, data_.data(), 0, ggml_nbytes(tensor));
  }
}

void RouterTap::record_column(const float* z, const TapColumn& column, int64_t i_layer) const {
  if (column.record != nullptr) {
    to_half(z, column.record + i_layer * n_expert_, n_expert_);
  }
}

void RouterTap::show_column(int64_t i_column, const TapColumn& column, int64_t i_layer) const {
  if (!observes_ || column.i_request < 0) {
    return;
  }
  RouterView view;
  view.i_request = column.i_request;
  view.i_token = column.i_token;
  view.i_layer = i_layer;
  view.input = inputs_.data() + i_column * n_embd_;
  view.logits = before_.data() + i_column * n_expert_;
  view.steered = data_.data() + i_column * n_expert_;
  (*observer_)(view);
}

bool RouterTap::steer_column(float* z,
                             const float* input,
                             const TapColumn& column,
                             int64_t i_layer,
                             float sigma_batch) const {
  if (column.steering == nullptr || column.steering->mask == nullptr || !steered_layers_[i_layer]) {
    return false;
  }
  const Mask& mask = *column.steering->mask;
  if (mask.is_zero(i_layer)) {
    return false;
  }
  if (column.steering->rule == SteerRule::kForce) {
    force(z, mask.row(i_layer), n_expert_);
    return true;
  }
  const float sigma_token = mask.uses(SigmaRule::kToken) ? spread(z, n_expert_) : 0.0F;
  const auto push = [&](SigmaRule rule, const std::vector<float>& steer) {
    const float sigma = rule == SigmaRule::kToken   ? sigma_token
                        : rule == SigmaRule::kBatch ? sigma_batch
                                                    : mask.sigma[i_layer];
    const float scale = column.steering->alpha * sigma;
    const float* row = steer.data() + i_layer * n_expert_;
    for (int64_t e = 0; e < n_expert_; ++e) {
      z[e] += scale * row[e];
    }
  };
  push(mask.sigma_rule, mask.steer);
  for (const MaskPart& part : mask.parts) {
    push(part.sigma_rule, part.steer);
  }
  if (mask.has_adapter()) {
    add_adapter(mask, i_layer, input, column.steering->alpha, z);
  }
  return true;
}

}  // namespace mascing
