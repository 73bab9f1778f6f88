// Numbers of a tensor as floats, whatever its type in the file.
#pragma once

#include <cstddef>
#include <cstdint>

namespace mascing {

/// Types are ggml's. One codec knows the plain types; the libllama host has one that also knows the
/// quantised ones (include/mascing/llama_host.h).
class TensorCodec {
 public:
  TensorCodec() = default;
  TensorCodec(const TensorCodec&) = delete;
  TensorCodec& operator=(const TensorCodec&) = delete;
  virtual ~TensorCodec() = default;

  [[nodiscard]] virtual bool can_encode(int32_t type) const = 0;
  /// `n` numbers; a multiple of the type's block. The type must be one that can be encoded.
  virtual void decode(int32_t type, const std::byte* data, int64_t n, float* out) const = 0;
  /// `n_row` rows of `n` numbers each, to nearest.
  virtual void encode(
      int32_t type, const float* values, int64_t n_row, int64_t n, std::byte* out) const = 0;
};

/// F32, F16 and BF16.
[[nodiscard]] const TensorCodec& plain_codec();

}  // namespace mascing
