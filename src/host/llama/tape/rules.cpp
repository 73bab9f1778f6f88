// Which operation has which rule.
#include "host/llama/tape/rules.h"

namespace mascing {

bool is_write(const ggml_tensor& node) {
  return node.view_src != nullptr && (node.op == GGML_OP_CPY || node.op == GGML_OP_SET_ROWS);
}

void rule_nothing(Tape& /*tape*/, const TapeTensor& /*node*/, const float* /*d_node*/) {}

TapeRule find_rule(const ggml_tensor& node) {
  switch (node.op) {
    case GGML_OP_ADD:
      return rule_add;
    case GGML_OP_SUB:
      return rule_sub;
    case GGML_OP_MUL:
      return rule_mul;
    case GGML_OP_DIV:
      return rule_div;
    case GGML_OP_ADD_ID:
      return rule_add_id;
    case GGML_OP_SCALE:
      return rule_scale;
    case GGML_OP_CLAMP:
      return rule_clamp;
    case GGML_OP_SQR:
      return rule_sqr;
    case GGML_OP_SQRT:
      return rule_sqrt;
    case GGML_OP_LOG:
      return rule_log;
    case GGML_OP_SUM:
      return rule_sum;
    case GGML_OP_SUM_ROWS:
      return rule_sum_rows;
    case GGML_OP_MEAN:
      return rule_mean;
    case GGML_OP_NORM:
      return rule_norm;
    case GGML_OP_RMS_NORM:
      return rule_rms_norm;
    case GGML_OP_L2_NORM:
      return rule_l2_norm;
    case GGML_OP_SOFT_MAX:
      return rule_soft_max;
    case GGML_OP_ROPE:
      return rule_rope;
    case GGML_OP_MUL_MAT:
      return rule_mul_mat;
    case GGML_OP_MUL_MAT_ID:
      return rule_mul_mat_id;
    case GGML_OP_DUP:
    case GGML_OP_CONT:
      return rule_copy;
    case GGML_OP_CPY:
      return is_write(node) ? rule_write_copy : rule_copy;
    case GGML_OP_SET_ROWS:
      return rule_set_rows;
    case GGML_OP_GET_ROWS:
      return rule_get_rows;
    case GGML_OP_CONCAT:
      return rule_concat;
    case GGML_OP_REPEAT:
      return rule_repeat;
    case GGML_OP_PAD:
      return rule_pad;
    case GGML_OP_FILL:
    case GGML_OP_ARGSORT:
    case GGML_OP_TOP_K:
    case GGML_OP_ARGMAX:
      return rule_nothing;
    case GGML_OP_UNARY:
      return find_unary_rule(node);
    case GGML_OP_GLU:
      return find_glu_rule(node);
    default:
      return nullptr;
  }
}

}  // namespace mascing
