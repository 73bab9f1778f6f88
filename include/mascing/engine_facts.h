// What the inference engine was built with and which devices it finds.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace mascing {

/// A device that the engine can compute on.
struct EngineDevice {
  std::string name;         ///< "CPU", "CUDA0"
  std::string description;  ///< the maker's name of it
  std::string back_end;     ///< "CPU", "CUDA"
  bool is_gpu = false;
  int64_t free_bytes = 0;
  int64_t size_bytes = 0;  ///< memory in all; 0 where the engine does not know
};

struct EngineFacts {
  std::string version;                 ///< "llama.cpp v0.5.0"
  std::string commit;                  ///< of the source it was built from, shortened; may be empty
  std::vector<std::string> back_ends;  ///< compiled in: "CPU", "RPC", "CUDA"
  /// Of the processor, in use by the engine's build: "AVX2", "FMA".
  std::vector<std::string> cpu_features;
  bool has_rpc = false;  ///< the back end that computes on other machines is compiled in
};

/// Cheap; touches no device.
[[nodiscard]] EngineFacts engine_facts();

/// Asks the back ends for their devices, which starts a GPU's driver where there is one.
[[nodiscard]] std::vector<EngineDevice> engine_devices();

}  // namespace mascing
