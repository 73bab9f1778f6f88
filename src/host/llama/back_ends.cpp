#include "host/llama/back_ends.h"

#include "mascing/error.h"

namespace mascing {

void* back_end_address(ggml_backend_reg_t back_end, const char* name) {
  void* address = back_end == nullptr ? nullptr : ggml_backend_reg_get_proc_address(back_end, name);
  if (address == nullptr) {
    throw Error(ErrorKind::kHost,
                std::string("[engine] libllama's back ends have no function ") + name,
                "libllama and mascing are not of one build: install both again");
  }
  return address;
}

}  // namespace mascing
