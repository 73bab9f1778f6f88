// ggml keeps a list of the back ends it was built with; each names its devices and its features.
#include "mascing/engine_facts.h"

#include <build-info.h>

#include <ggml-backend.h>

#include "host/llama/back_ends.h"

namespace mascing {
namespace {

/// Names whose value is "1": what the build uses of this processor.
std::vector<std::string> features_of(ggml_backend_reg_t back_end) {
  std::vector<std::string> names;
  void* address = ggml_backend_reg_get_proc_address(back_end, "ggml_backend_get_features");
  if (address == nullptr) {
    return names;
  }
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): ggml hands functions out as void*
  const auto get = reinterpret_cast<ggml_backend_get_features_t>(address);
  for (const ggml_backend_feature* one = get(back_end); one != nullptr && one->name != nullptr;
       ++one) {
    if (std::string(one->value) == "1") {
      names.emplace_back(one->name);
    }
  }
  return names;
}

}  // namespace

EngineFacts engine_facts() {
  EngineFacts facts;
  load_back_ends();
  facts.version = MASCING_ENGINE;
  facts.commit = llama_commit();
  for (size_t i = 0; i < ggml_backend_reg_count(); ++i) {
    ggml_backend_reg_t back_end = ggml_backend_reg_get(i);
    facts.back_ends.emplace_back(ggml_backend_reg_name(back_end));
    facts.has_rpc = facts.has_rpc || facts.back_ends.back() == "RPC";
    if (facts.back_ends.back() == "CPU") {
      facts.cpu_features = features_of(back_end);
    }
  }
  return facts;
}

std::vector<EngineDevice> engine_devices() {
  load_back_ends();
  std::vector<EngineDevice> devices;
  for (size_t i = 0; i < ggml_backend_dev_count(); ++i) {
    ggml_backend_dev_t device = ggml_backend_dev_get(i);
    const auto type = ggml_backend_dev_type(device);
    size_t free_bytes = 0;
    size_t size_bytes = 0;
    ggml_backend_dev_memory(device, &free_bytes, &size_bytes);
    EngineDevice facts;
    facts.name = ggml_backend_dev_name(device);
    facts.description = ggml_backend_dev_description(device);
    facts.back_end = ggml_backend_reg_name(ggml_backend_dev_backend_reg(device));
    facts.is_gpu = type == GGML_BACKEND_DEVICE_TYPE_GPU || type == GGML_BACKEND_DEVICE_TYPE_IGPU;
    facts.free_bytes = static_cast<int64_t>(free_bytes);
    facts.size_bytes = static_cast<int64_t>(size_bytes);
    devices.push_back(std::move(facts));
  }
  return devices;
}

}  // namespace mascing
