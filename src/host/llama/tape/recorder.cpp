#include "host/llama/tape/recorder.h"

#include <utility>

#include <ggml-backend.h>

namespace mascing {

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
  }
}

}  // namespace mascing
