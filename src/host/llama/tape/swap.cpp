#include "host/llama/tape/swap.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <string_view>

#include "base/numeric.h"
#include "host/llama/tape/expert_replay.h"
#include "host/llama/tape/steer_gradient.h"

namespace mascing {
namespace {

constexpr std::string_view kWeighted = "ffn_moe_weighted-";
constexpr double kDensity = 0.39894228040143267794;  ///< of a standard normal variable at 0

/// One MoE layer as its graph shows it.
struct GatedLayer {
  const TapeTensor* outputs = nullptr;  ///< f [D, K, T]
  const TapeTensor* weights = nullptr;  ///< w [1, K, T]
  int64_t i_outputs = 0;
  int64_t i_chosen = 0;                ///< numbers of the experts [K, T]
  const TapeTensor* order = nullptr;   ///< all experts, best first [E, T]
  const TapeTensor* scores = nullptr;  ///< what they were sorted by [E, T]
  const TapeTensor* logits = nullptr;  ///< z [E, T], the mask added
  int64_t layer = 0;
};

bool find_layer(const TapeRecorder& recorder, const Tape& tape, int64_t weighted, GatedLayer& out) {
  const TapeTensor& node = tape.at(weighted);
  const std::string block(std::string_view(node.shape.name).substr(kWeighted.size()));
  const int64_t order = tape.find("ffn_moe_argsort-" + block);
  const int64_t chosen = tape.find("ffn_moe_topk-" + block);
  if (order == TapeTensor::kNone || chosen == TapeTensor::kNone || chosen > weighted) {
    return false;
  }
  out.i_outputs = node.sources[0];
  out.outputs = &tape.source(node, 0);
  out.weights = &tape.source(node, 1);
  out.i_chosen = chosen;
  out.order = &tape.at(order);
  out.scores = &tape.source(*out.order, 0);
  for (const auto& [layer, router] : recorder.routers()) {
    const TapeTensor& logits = tape.at(router.tensor);
    const std::string_view name = logits.shape.name;
    if (name.substr(name.rfind('-') + 1) == block) {
      out.logits = &logits;
      out.layer = layer;
    }
  }
  const int64_t n_token = node.shape.ne[2];
  return out.logits != nullptr && out.outputs->shape.ne[1] == tape.at(chosen).shape.ne[0] &&
         out.logits->shape.ne[1] == n_token && out.order->shape.ne[1] == n_token &&
         out.order->shape.ne[0] == out.logits->shape.ne[0];
}

/// What experts are chosen by. Without a constant added to the probabilities their order is that of
/// the logits themselves.
class Choice {
 public:
  Choice(const Tape& tape, const GatedLayer& layer, const std::string& block)
      : logits_(tape.values(*layer.logits)), scores_(tape.values(*layer.scores)) {
    const int64_t biased = tape.find("ffn_moe_probs_biased-" + block);
    const int64_t probs = tape.find("ffn_moe_probs-" + block);
    is_biased_ = biased != TapeTensor::kNone && tape.at(biased).shape.op == GGML_OP_ADD &&
                 probs != TapeTensor::kNone;
    if (is_biased_) {
      probs_ = tape.values(tape.at(probs));
      is_root_ = tape.at(probs).shape.op == GGML_OP_SQRT;
    }
  }
  [[nodiscard]] bool is_open(int64_t i) const { return std::isfinite(scores_[i]); }
  [[nodiscard]] double score(int64_t i) const { return is_biased_ ? scores_[i] : logits_[i]; }
  /// d score / d logit.
  [[nodiscard]] double slope(int64_t i) const {
    if (!is_biased_) {
      return 1.0;
    }
    const double p = probs_[i];
    return is_root_ ? 0.5 / ((1.0 + std::exp(-logits_[i])) * p) : p * (1.0 - p);
  }

 private:
  Floats logits_;
  Floats scores_;
  Floats probs_;
  bool is_biased_ = false;
  bool is_root_ = false;  ///< the root of a softplus; else softmax or sigmoid
};

/// Experts of rank K+1 .. K+n of each token, [n, T].
std::vector<int32_t> runners_up(const std::vector<int64_t>& order,
                                int64_t n_expert,
                                int64_t n_used,
                                int64_t n_other) {
  std::vector<int32_t> ids;
  for (int64_t first = n_used; first < std::ssize(order); first += n_expert) {
    for (int64_t r = 0; r < n_other; ++r) {
      ids.push_back(static_cast<int32_t>(order[first + r]));
    }
  }
  return ids;
}

std::vector<double> sigma_of_columns(const TapedColumns& columns,
                                     const GatedLayer& layer,
                                     const std::vector<float>& before) {
  const int64_t n_expert = layer.logits->shape.ne[0];
  const std::vector<int64_t> bounds = columns.bounds(layer.logits->shape.ne[1]);
  std::vector<double> sigma;
  for (int64_t k = 0; k < std::ssize(columns.parts); ++k) {
    const std::vector<double> part = sigma_of_tokens(
        *columns.parts[k].steering,
        {layer.layer, before.data() + bounds[k] * n_expert, bounds[k + 1] - bounds[k]});
    sigma.insert(sigma.end(), part.begin(), part.end());
  }
  return sigma;
}

/// <d output, f_j - f_K> of one token and runner-up, times w_K.
double gain_of_swap(const float* d_output, const float* other, const float* last, int64_t n) {
  double sum = 0.0;
  for (int64_t i = 0; i < n; ++i) {
    sum += to_scalar<double>(d_output[i]) * (other[i] - last[i]);
  }
  return sum;
}

/// Adds one swap's effect to the gradient of one token's logits; `last` and `other` are places in
/// [E, T], `width` the noise of a logit.
void add_swap(const Choice& choice,
              int64_t last,
              int64_t other,
              double width,
              double gain,
              std::vector<float>& d_logits) {
  const double s_last = choice.slope(last);
  const double s_other = choice.slope(other);
  const double noise = width * std::sqrt(0.5 * (s_last * s_last + s_other * s_other));
  if (!choice.is_open(other) || noise <= 0.0) {
    return;
  }
  const double u = (choice.score(other) - choice.score(last)) / noise;
  const double g = kDensity * std::exp(-0.5 * u * u) / noise * gain;
  d_logits[other] += to_float(g * s_other);
  d_logits[last] -= to_float(g * s_last);
}

}  // namespace

bool is_sum_of_experts(const Tape& tape, int64_t node) {
  const ggml_tensor& shape = tape.at(node).shape;
  return shape.op == GGML_OP_MUL && std::string_view(shape.name).starts_with(kWeighted);
}

bool add_swaps(TapeRecorder& recorder, const TapedColumns& columns, int64_t weighted) {
  Tape& tape = recorder.tape();
  GatedLayer layer;
  if (!find_layer(recorder, tape, weighted, layer)) {
    return false;
  }
  const std::string block(std::string_view(tape.at(weighted).shape.name).substr(kWeighted.size()));
  const int64_t n_expert = layer.logits->shape.ne[0];
  const int64_t n_used = layer.outputs->shape.ne[1];
  const int64_t n_other = std::min(columns.swap.n_runner_up, n_expert - n_used);
  const std::vector<int64_t> order = tape.integers(*layer.order);
  const auto others = replay_experts(
      tape, layer.i_outputs, layer.i_chosen, runners_up(order, n_expert, n_used, n_other));
  if (!others) {
    return false;
  }
  const Choice choice(tape, layer, block);
  const std::vector<double> sigma =
      sigma_of_columns(columns, layer, recorder.routers().at(layer.layer).before);
  const Floats outputs = tape.values(*layer.outputs);
  const Floats weights = tape.values(*layer.weights);
  const Floats d_outputs = tape.gradient(tape.at(weighted));
  std::vector<float>& d_logits = tape.root_gradient(*layer.logits);
  const int64_t n = layer.outputs->shape.ne[0];
  for (int64_t t = 0; t < std::ssize(sigma); ++t) {
    const int64_t last = t * n_used + n_used - 1;
    const int64_t* ranked = order.data() + t * n_expert;
    for (int64_t r = 0; r < n_other; ++r) {
      const double gain = weights[last] * gain_of_swap(d_outputs.data() + last * n,
                                                       others->data() + (t * n_other + r) * n,
                                                       outputs.data() + last * n,
                                                       n);
      add_swap(choice,
               t * n_expert + ranked[n_used - 1],
               t * n_expert + ranked[n_used + r],
               columns.swap.width * sigma[t],
               gain,
               d_logits);
    }
  }
  return true;
}

}  // namespace mascing
