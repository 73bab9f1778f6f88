// Where the engine keeps a model and how it computes. Names and values are llama.cpp's own.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace mascing {

/// Checked by open_llama_host, which throws Error{kUsage} for a name or value it does not know and
/// says which there are. Exact gradients (Host::gradients) have engines of their own: weights as
/// the file has them in the processor's memory, no flash attention, a cache of 16-bit floats. Of
/// these options only `use_mmap`, `use_mlock` and `n_sequence` act on them.
struct EngineOptions {
  /// "REGEX=BUFFER", searched for in tensor names, the first match wins: these weights go into
  /// memory of that type, such as "CPU" or "CUDA0".
  std::vector<std::string> tensor_buffers = {};
  bool keeps_experts_on_cpu = false;  ///< of all blocks, in the processor's memory
  int64_t n_cpu_moe = 0;              ///< the same of the first so many blocks
  /// Types of the cached keys and values: f32, f16, bf16, q8_0, q4_0, q4_1, iq4_nl, q5_0, q5_1. A
  /// quantised type of the values needs flash attention.
  std::string cache_type_k = "f16";
  std::string cache_type_v = "f16";
  std::string flash_attention = "auto";   ///< on, off, auto
  std::string split_mode = "layer";       ///< over several devices: none, layer, row, tensor
  std::vector<double> tensor_split = {};  ///< shares of the devices; empty = by their free memory
  int64_t main_gpu = 0;                   ///< the device where split_mode is none
  std::vector<std::string> devices = {};  ///< names; {"none"} = the processor; empty = all
  std::vector<std::string> rpc_servers = {};  ///< "host:port" of running rpc-servers, as devices
  bool repacks = true;     ///< false: weights on the processor as the file has them
  bool use_mmap = true;    ///< false: read the file into memory
  bool use_mlock = false;  ///< keep the weights from being swapped out
  /// Sequences that the cache can hold, at most 256; 0 = four for each conversation in parallel. A
  /// question with several openings needs one for each opening of more than one token.
  int64_t n_sequence = 0;
};

/// Those options that can change the last digits of a result, where they differ from the default,
/// by llama.cpp's names. Of rpc_servers only their number.
[[nodiscard]] std::map<std::string, std::string> settings_of(const EngineOptions& options);

}  // namespace mascing
