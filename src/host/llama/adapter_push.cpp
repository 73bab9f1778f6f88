#include "host/llama/adapter_push.h"

#include <Eigen/Core>

namespace mascing {
namespace {

using Rows = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using RowMap = Eigen::Map<Rows>;
using ConstRowMap = Eigen::Map<const Rows>;

ConstRowMap down_of(const RouterAdapter& adapter, int64_t i_layer) {
  return {adapter.down_row(i_layer, 0), adapter.rank, adapter.n_embd};
}

ConstRowMap up_of(const Mask& mask, int64_t i_layer) {
  return {mask.adapter.up_of(i_layer, mask.n_expert), mask.adapter.rank, mask.n_expert};
}

}  // namespace

void add_adapter(const Mask& mask, int64_t i_layer, const float* input, float alpha, float* z) {
  const Eigen::Map<const Eigen::VectorXf> x(input, mask.adapter.n_embd);
  const Eigen::VectorXf features = alpha * (down_of(mask.adapter, i_layer) * x);
  Eigen::Map<Eigen::VectorXf>(z, mask.n_expert).noalias() +=
      up_of(mask, i_layer).transpose() * features;
}

void differentiate_adapter(
    const Mask& mask, const AdapterColumns& columns, float alpha, float* d_up, float* d_inputs) {
  const RouterAdapter& adapter = mask.adapter;
  const ConstRowMap x(columns.inputs, columns.n_token, adapter.n_embd);
  const ConstRowMap d_z(columns.d_z, columns.n_token, mask.n_expert);
  const ConstRowMap down = down_of(adapter, columns.i_layer);
  const Rows features = alpha * (down * x.transpose());  // [R, n_token]
  RowMap(d_up, adapter.rank, mask.n_expert).noalias() += features * d_z;
  if (d_inputs != nullptr) {
    const Rows pull = alpha * (d_z * up_of(mask, columns.i_layer).transpose());  // [n_token, R]
    RowMap(d_inputs, columns.n_token, adapter.n_embd).noalias() += pull * down;
  }
}

}  // namespace mascing
