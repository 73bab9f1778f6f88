// The modules stand in libggml's own folder, and only there they are looked for: ggml by itself
// would also take what lies in the current folder.
#include <filesystem>
#include <mutex>

#include <dlfcn.h>

#include "host/llama/back_ends.h"
#include "mascing/error.h"

namespace mascing {
namespace {

std::string folder_of_libggml() {
  Dl_info info{};
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): dladdr takes any address as void*
  const void* inside = reinterpret_cast<const void*>(&ggml_backend_load_all_from_path);
  if (dladdr(inside, &info) == 0 || info.dli_fname == nullptr) {
    throw Error(ErrorKind::kHost, "[engine] the folder of libggml cannot be found");
  }
  return std::filesystem::absolute(info.dli_fname).parent_path().string();
}

/// ggml would name each module on stderr.
void load_quietly(const std::string& folder) {
  ggml_log_callback previous = nullptr;
  void* user_data = nullptr;
  ggml_log_get(&previous, &user_data);
  ggml_log_set([](ggml_log_level, const char*, void*) {}, nullptr);
  ggml_backend_load_all_from_path(folder.c_str());
  ggml_log_set(previous, user_data);
}

}  // namespace

void load_back_ends() {
  static std::once_flag once;
  std::call_once(once, [] {
    const std::string folder = folder_of_libggml();
    load_quietly(folder);
    if (ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_CPU) == nullptr) {
      throw Error(ErrorKind::kHost,
                  "[engine] no libggml-cpu-*.so in " + folder + " works on this processor",
                  "install mascing again, or build it on this machine (make build)");
    }
  });
}

}  // namespace mascing
