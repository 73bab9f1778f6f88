// All tensor types that ggml can quantise to without an importance matrix.
#include "mascing/tensor_codec.h"

#include <ggml.h>

#include "mascing/llama_host.h"

namespace mascing {
namespace {

ggml_type ggml_type_of(int32_t type) {
  return static_cast<ggml_type>(type);
}

class GgmlCodec : public TensorCodec {
 public:
  [[nodiscard]] bool can_encode(int32_t type) const override {
    if (plain_codec().can_encode(type)) {
      return true;
    }
    if (type < 0 || type >= GGML_TYPE_COUNT) {
      return false;
    }
    const ggml_type_traits* traits = ggml_get_type_traits(ggml_type_of(type));
    return traits->is_quantized && traits->to_float != nullptr &&
           traits->from_float_ref != nullptr && !ggml_quantize_requires_imatrix(ggml_type_of(type));
  }

  void decode(int32_t type, const std::byte* data, int64_t n, float* out) const override {
    if (plain_codec().can_encode(type)) {
      plain_codec().decode(type, data, n, out);
      return;
    }
    ggml_get_type_traits(ggml_type_of(type))->to_float(data, out, n);
  }

  void encode(
      int32_t type, const float* values, int64_t n_row, int64_t n, std::byte* out) const override {
    if (plain_codec().can_encode(type)) {
      plain_codec().encode(type, values, n_row, n, out);
      return;
    }
    ggml_quantize_chunk(ggml_type_of(type), values, out, 0, n_row, n, nullptr);
  }
};

}  // namespace

const TensorCodec& ggml_codec() {
  static const GgmlCodec codec;
  return codec;
}

}  // namespace mascing
