#include "host/llama/staging.h"

#include <string>

#include <ggml-backend.h>

#include "mascing/error.h"

namespace mascing {
namespace {

ggml_backend_buffer_type_t memory_for_copies() {
  ggml_backend_dev_t gpu = ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_GPU);
  ggml_backend_buffer_type_t pinned =
      gpu == nullptr ? nullptr : ggml_backend_dev_host_buffer_type(gpu);
  return pinned != nullptr ? pinned : ggml_backend_cpu_buffer_type();
}

}  // namespace

void Staging::Deleter::operator()(ggml_backend_buffer* buffer) const {
  ggml_backend_buffer_free(buffer);
}

Staging::Staging() = default;
Staging::~Staging() = default;

float* Staging::resize(int64_t n) {
  if (n > capacity_) {
    buffer_.reset();
    data_ = nullptr;
    size_ = capacity_ = 0;
    const size_t n_byte = n * sizeof(float);
    buffer_.reset(ggml_backend_buft_alloc_buffer(memory_for_copies(), n_byte));
    if (!buffer_) {
      throw Error(ErrorKind::kHost,
                  "[host] no memory for " + std::to_string(n_byte) + " bytes of router logits",
                  "try a smaller batch");
    }
    data_ = static_cast<float*>(ggml_backend_buffer_get_base(buffer_.get()));
    capacity_ = n;
  }
  size_ = n;
  return data_;
}

}  // namespace mascing
