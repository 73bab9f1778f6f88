#include "host/llama/tape/recorder.h"

#include <utility>

#include <ggml-backend.h>

namespace mascing {
namespace {

/// What the product behind a router's logits reads: a bias, a scale or an adapter may follow it.
int64_t input_of(const Tape& tape, int64_t logits) {
  int64_t node = logits;
  while (node != TapeTensor::kNone && tape.at(node).shape.op != GGML_OP_MUL_MAT) {
    node = tape.at(node).sources[0];
  }
  return node == TapeTensor::kNone ? node : tape.at(node).sources[1];
}

}  // namespace

void TapeRecorder::clear() {
  tape_.clear();
  routers_.clear();
  next_layer_ = TapeTensor::kNone;
}

void TapeRecorder::on_router(const ggml_tensor* tensor, int64_t i_layer) {
  next_layer_ = i_layer;
  std::vector<float>& before = routers_[i_layer].before;
  before.resize(ggml_nelements(tensor));
  ggml_backend_tensor_get(tensor, before.data(), 0, ggml_nbytes(tensor));
}

void TapeRecorder::on_node(const ggml_tensor* tensor) {
  const int64_t layer = std::exchange(next_layer_, TapeTensor::kNone);
  tape_.append(tensor, layer);
  if (layer != TapeTensor::kNone) {
    routers_[layer].tensor = tape_.nodes().back();
    routers_[layer].input = input_of(tape_, routers_[layer].tensor);
  }
}

}  // namespace mascing
