// The unquantised types, element by element.
#include "mascing/tensor_codec.h"

#include <cstring>

#include "base/half.h"
#include "format/gguf.h"

namespace mascing {
namespace {

class PlainCodec : public TensorCodec {
 public:
  [[nodiscard]] bool can_encode(int32_t type) const override {
    return type == kGgufF32 || type == kGgufF16 || type == kGgufBf16;
  }

  void decode(int32_t type, const std::byte* data, int64_t n, float* out) const override {
    if (type == kGgufF32 && n > 0) {  // a tensor of no values may have no place either
      std::memcpy(out, data, n * sizeof(float));
      return;
    }
    for (int64_t i = 0; i < n; ++i) {
      uint16_t bits = 0;
      std::memcpy(&bits, data + i * 2, sizeof(bits));
      out[i] = type == kGgufF16 ? half_to_float(bits) : bfloat_to_float(bits);
    }
  }

  void encode(
      int32_t type, const float* values, int64_t n_row, int64_t n, std::byte* out) const override {
    if (type == kGgufF32) {
      std::memcpy(out, values, n_row * n * sizeof(float));
      return;
    }
    for (int64_t i = 0; i < n_row * n; ++i) {
      const uint16_t bits =
          type == kGgufF16 ? float_to_half(values[i]) : float_to_bfloat(values[i]);
      std::memcpy(out + i * 2, &bits, sizeof(bits));
    }
  }
};

}  // namespace

const TensorCodec& plain_codec() {
  static const PlainCodec codec;
  return codec;
}

}  // namespace mascing
