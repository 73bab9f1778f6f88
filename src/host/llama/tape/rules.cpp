// Which operation has which rule.
#include "host/llama/tape/rules.h"

#include <algorithm>
#include <iterator>

namespace mascing {
namespace {

struct RuleOf {
  ggml_op op;
  TapeRule rule;
};

constexpr RuleOf kRules[] = {
    {GGML_OP_ADD, rule_add},
    {GGML_OP_SUB, rule_sub},
    {GGML_OP_MUL, rule_mul},
    {GGML_OP_DIV, rule_div},
    {GGML_OP_ADD_ID, rule_add_id},
    {GGML_OP_SCALE, rule_scale},
    {GGML_OP_CLAMP, rule_clamp},
    {GGML_OP_SQR, rule_sqr},
    {GGML_OP_SQRT, rule_sqrt},
    {GGML_OP_LOG, rule_log},
    {GGML_OP_SUM, rule_sum},
    {GGML_OP_SUM_ROWS, rule_sum_rows},
    {GGML_OP_MEAN, rule_mean},
    {GGML_OP_NORM, rule_norm},
    {GGML_OP_RMS_NORM, rule_rms_norm},
    {GGML_OP_L2_NORM, rule_l2_norm},
    {GGML_OP_SOFT_MAX, rule_soft_max},
    {GGML_OP_ROPE, rule_rope},
    {GGML_OP_MUL_MAT, rule_mul_mat},
    {GGML_OP_MUL_MAT_ID, rule_mul_mat_id},
    {GGML_OP_DUP, rule_copy},
    {GGML_OP_CONT, rule_copy},
    {GGML_OP_SET_ROWS, rule_set_rows},
    {GGML_OP_GET_ROWS, rule_get_rows},
    {GGML_OP_CONCAT, rule_concat},
    {GGML_OP_REPEAT, rule_repeat},
    {GGML_OP_PAD, rule_pad},
    {GGML_OP_FILL, rule_nothing},
    {GGML_OP_ARGSORT, rule_nothing},
    {GGML_OP_TOP_K, rule_nothing},
    {GGML_OP_ARGMAX, rule_nothing},
    {GGML_OP_ROPE_BACK, rule_rope},
    {GGML_OP_SSM_CONV, rule_ssm_conv},
    {GGML_OP_SSM_SCAN, rule_ssm_scan},
    {GGML_OP_GATED_DELTA_NET, rule_gated_delta_net},
    {GGML_OP_DSV4_HC_COMB, rule_hc_comb},
    {GGML_OP_DSV4_HC_PRE, rule_hc_pre},
    {GGML_OP_DSV4_HC_POST, rule_hc_post},
};

}  // namespace

bool is_write(const ggml_tensor& node) {
  return node.view_src != nullptr && (node.op == GGML_OP_CPY || node.op == GGML_OP_SET_ROWS);
}

void rule_nothing(Tape& /*tape*/, const TapeTensor& /*node*/, const float* /*d_node*/) {}

TapeRule find_rule(const ggml_tensor& node) {
  if (node.op == GGML_OP_UNARY) {
    return find_unary_rule(node);
  }
  if (node.op == GGML_OP_GLU) {
    return find_glu_rule(node);
  }
  if (node.op == GGML_OP_CPY) {
    return is_write(node) ? rule_write_copy : rule_copy;
  }
  if (node.op == GGML_OP_PAD && node.op_params[8] != 0) {
    return nullptr;  // rule_pad knows zeros only
  }
  const auto* found = std::find_if(std::begin(kRules), std::end(kRules), [&](const RuleOf& entry) {
    return entry.op == node.op;
  });
  return found == std::end(kRules) ? nullptr : found->rule;
}

}  // namespace mascing
