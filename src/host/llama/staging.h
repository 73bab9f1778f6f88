// Memory for tensor transfers between a device and the host.
#pragma once

#include <cstdint>
#include <memory>

struct ggml_backend_buffer;

namespace mascing {

/// Floats in memory from which and to which the first GPU copies without a detour (pinned), where
/// there is a GPU that has such memory; in ordinary memory elsewhere.
class Staging {
 public:
  Staging();
  ~Staging();
  Staging(const Staging&) = delete;
  Staging& operator=(const Staging&) = delete;

  /// Makes room for n floats; what was there is lost if it has to grow. Throws Error{kHost} when
  /// memory is short.
  float* resize(int64_t n);
  [[nodiscard]] float* data() { return data_; }
  [[nodiscard]] const float* data() const { return data_; }
  [[nodiscard]] int64_t size() const { return size_; }

 private:
  struct Deleter {
    void operator()(ggml_backend_buffer* buffer) const;
  };

  std::unique_ptr<ggml_backend_buffer, Deleter> buffer_;
  float* data_ = nullptr;
  int64_t size_ = 0;
  int64_t capacity_ = 0;
};

}  // namespace mascing
