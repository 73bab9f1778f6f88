// Element-wise functions and gated units: y = f(x) and y = f(gate) up.
#include <algorithm>
#include <cmath>
#include <vector>

#include "host/llama/tape/functions.h"
#include "host/llama/tape/rules.h"

namespace mascing {
namespace {

constexpr float kGeluCubic = 0.044715F;
constexpr float kGeluScale = 0.79788456080286535588F;  ///< sqrt(2 / pi)
constexpr float kGeluQuick = 1.702F;

using Function = ValueSlope (*)(float);

/// x times a logistic function of scale * x.
ValueSlope scaled_silu(float x, float scale) {
  const float p = logistic(scale * x);
  return {x * p, p + scale * x * p * (1.0F - p)};
}

ValueSlope silu(float x) {
  return scaled_silu(x, 1.0F);
}

ValueSlope gelu_quick(float x) {
  return scaled_silu(x, kGeluQuick);
}

ValueSlope gelu(float x) {
  const float t = std::tanh(kGeluScale * x * (1.0F + kGeluCubic * x * x));
  const float d_inner = kGeluScale * (1.0F + 3.0F * kGeluCubic * x * x);
  return {0.5F * x * (1.0F + t), 0.5F * (1.0F + t) + 0.5F * x * (1.0F - t * t) * d_inner};
}

ValueSlope gelu_erf(float x) {
  const float phi = 0.5F * (1.0F + std::erf(x * 0.70710678118654752440F));
  const float density = 0.39894228040143267794F * std::exp(-0.5F * x * x);
  return {x * phi, phi + x * density};
}

ValueSlope relu(float x) {
  return {std::max(x, 0.0F), x > 0.0F ? 1.0F : 0.0F};
}

ValueSlope hyperbolic_tangent(float x) {
  const float t = std::tanh(x);
  return {t, 1.0F - t * t};
}

ValueSlope exponential(float x) {
  return {std::exp(x), std::exp(x)};
}

ValueSlope elu(float x) {
  return {x > 0.0F ? x : std::expm1(x), x > 0.0F ? 1.0F : std::exp(x)};
}

ValueSlope absolute(float x) {
  return {std::fabs(x), x > 0.0F ? 1.0F : x < 0.0F ? -1.0F : 0.0F};
}

ValueSlope negative(float x) {
  return {-x, -1.0F};
}

ValueSlope hard_sigmoid(float x) {
  return {std::clamp((x + 3.0F) / 6.0F, 0.0F, 1.0F), x > -3.0F && x < 3.0F ? 1.0F / 6.0F : 0.0F};
}

ValueSlope hard_swish(float x) {
  const ValueSlope gate = hard_sigmoid(x);
  return {x * gate.value, gate.value + x * gate.slope};
}

template <Function function>
void rule_unary(Tape& tape, const TapeTensor& node, const float* d_node) {
  const TapeTensor& source = tape.source(node, 0);
  const Floats x = tape.values(source);
  std::vector<float> d_source(node.n_element());
  for (int64_t i = 0; i < std::ssize(d_source); ++i) {
    d_source[i] = d_node[i] * function(x[i]).slope;
  }
  tape.add_gradient(source, d_source.data());
}

/// What a gated unit makes of one pair.
struct GatedSlopes {
  float d_gate;
  float d_up;
};

/// Calls `slopes(gate, up)` for each element. Both halves may be in one source, in either order.
template <typename Slopes>
void differentiate_glu(Tape& tape, const TapeTensor& node, const float* d_node, Slopes slopes) {
  const bool is_split = node.sources[1] != TapeTensor::kNone;
  const bool is_swapped = node.shape.op_params[1] != 0;
  const TapeTensor& first = tape.source(node, 0);
  const TapeTensor& second = is_split ? tape.source(node, 1) : first;
  const Floats a = tape.values(first);
  const Floats b = is_split ? tape.values(second) : Floats(a.data());
  const int64_t n = node.shape.ne[0];
  const int64_t stride = first.shape.ne[0];
  const int64_t gate_at = !is_split && is_swapped ? n : 0;
  const int64_t up_at = is_split || is_swapped ? 0 : n;
  std::vector<float> d_first(first.n_element());
  std::vector<float> d_second(is_split ? second.n_element() : 0);
  std::vector<float>& d_up = is_split ? d_second : d_first;
  for (int64_t row = 0; row < node.n_element() / n; ++row) {
    for (int64_t i = 0; i < n; ++i) {
      const int64_t i_gate = row * stride + gate_at + i;
      const int64_t i_up = row * stride + up_at + i;
      const GatedSlopes d = slopes(a[i_gate], b[i_up]);
      d_first[i_gate] += d_node[row * n + i] * d.d_gate;
      d_up[i_up] += d_node[row * n + i] * d.d_up;
    }
  }
  tape.add_gradient(first, d_first.data());
  if (is_split) {
    tape.add_gradient(second, d_second.data());
  }
}

template <Function function>
void rule_glu(Tape& tape, const TapeTensor& node, const float* d_node) {
  differentiate_glu(tape, node, d_node, [](float gate, float up) {
    const ValueSlope f = function(gate);
    return GatedSlopes{f.slope * up, f.value};
  });
}

/// Clamped: the gate from above, the other from both sides, to which `offset` is added.
void differentiate_clamped(
    Tape& tape, const TapeTensor& node, const float* d_node, float scale, float offset) {
  const float limit = float_parameter(node.shape, 3);
  differentiate_glu(tape, node, d_node, [&](float gate, float up) {
    const ValueSlope f = scaled_silu(std::min(gate, limit), scale);
    const float bounded = std::clamp(up, -limit, limit);
    return GatedSlopes{gate <= limit ? f.slope * (bounded + offset) : 0.0F,
                       bounded == up ? f.value : 0.0F};
  });
}

void rule_swiglu_oai(Tape& tape, const TapeTensor& node, const float* d_node) {
  differentiate_clamped(tape, node, d_node, float_parameter(node.shape, 2), 1.0F);
}

void rule_swiglu_clamp(Tape& tape, const TapeTensor& node, const float* d_node) {
  differentiate_clamped(tape, node, d_node, 1.0F, 0.0F);
}

}  // namespace

TapeRule find_unary_rule(const ggml_tensor& node) {
  switch (ggml_get_unary_op(&node)) {
    case GGML_UNARY_OP_ABS:
      return rule_unary<absolute>;
    case GGML_UNARY_OP_NEG:
      return rule_unary<negative>;
    case GGML_UNARY_OP_TANH:
      return rule_unary<hyperbolic_tangent>;
    case GGML_UNARY_OP_ELU:
      return rule_unary<elu>;
    case GGML_UNARY_OP_RELU:
      return rule_unary<relu>;
    case GGML_UNARY_OP_SIGMOID:
      return rule_unary<sigmoid>;
    case GGML_UNARY_OP_GELU:
      return rule_unary<gelu>;
    case GGML_UNARY_OP_GELU_QUICK:
      return rule_unary<gelu_quick>;
    case GGML_UNARY_OP_GELU_ERF:
      return rule_unary<gelu_erf>;
    case GGML_UNARY_OP_SILU:
      return rule_unary<silu>;
    case GGML_UNARY_OP_HARDSWISH:
      return rule_unary<hard_swish>;
    case GGML_UNARY_OP_HARDSIGMOID:
      return rule_unary<hard_sigmoid>;
    case GGML_UNARY_OP_EXP:
    case GGML_UNARY_OP_EXPM1:
      return rule_unary<exponential>;
    case GGML_UNARY_OP_SOFTPLUS:
      return rule_unary<softplus>;
    case GGML_UNARY_OP_SGN:
    case GGML_UNARY_OP_STEP:
    case GGML_UNARY_OP_FLOOR:
    case GGML_UNARY_OP_CEIL:
    case GGML_UNARY_OP_ROUND:
    case GGML_UNARY_OP_TRUNC:
      return rule_nothing;
    default:
      return nullptr;
  }
}

TapeRule find_glu_rule(const ggml_tensor& node) {
  switch (ggml_get_glu_op(&node)) {
    case GGML_GLU_OP_REGLU:
      return rule_glu<relu>;
    case GGML_GLU_OP_GEGLU:
      return rule_glu<gelu>;
    case GGML_GLU_OP_SWIGLU:
      return rule_glu<silu>;
    case GGML_GLU_OP_GEGLU_ERF:
      return rule_glu<gelu_erf>;
    case GGML_GLU_OP_GEGLU_QUICK:
      return rule_glu<gelu_quick>;
    case GGML_GLU_OP_SWIGLU_OAI:
      return rule_swiglu_oai;
    case GGML_GLU_OP_SWIGLU_CLAMP:
      return rule_swiglu_clamp;
    default:
      return nullptr;
  }
}

}  // namespace mascing
